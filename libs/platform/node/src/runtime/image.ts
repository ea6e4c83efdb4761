/** What an image is on this machine: a root directory, and what runs in it by default. */
export interface Image {
  /** The layers of its root directory, the uppermost first; `/`: the host's own files. */
  readonly layers: readonly string[];
  /** What is prepended to the container's `args`; empty: the container must have a command. */
  readonly entrypoint: readonly string[];
  /** The default of `args`. */
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** The user that it runs as by default. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** For the container's status. */
  readonly id: string;
}

/** Finds images. */
export interface ImageStore {
  /**
   * @throws XebecError not_found that says which images there are
   */
  resolve(image: string): Promise<Image>;
}

/** The host's files are the root of the image. */
export function isHostImage({ layers }: Image): boolean {
  return layers[0] === "/";
}
