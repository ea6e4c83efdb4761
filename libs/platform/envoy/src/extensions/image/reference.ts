import { XebecError } from "@xebec/core-errors";

/** An image in a registry. */
export interface ImageReference {
  /** `HOST[:PORT]`, as users know it: `docker.io`. */
  readonly registry: string;
  /** Where the registry answers. */
  readonly host: string;
  readonly repository: string;
  /** A tag, or `sha256:…`. */
  readonly version: string;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Reads `oci://[HOST/]REPOSITORY[:TAG][@sha256:DIGEST]`, as Docker reads it: without a host the image is of Docker Hub, without a tag it is
 * `latest`, and a digest counts more than a tag.
 * @throws XebecError invalid_argument
 */
export function imageReference(url: string): ImageReference {
  const refused = (why: string): XebecError => new XebecError("invalid_argument", `${url} is not an image: ${why}`);
  const [name = "", digest, ...more] = url.replace(/^oci:\/\//i, "").split("@");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest)))
    throw refused("write the digest as @sha256: and 64 hexadecimal digits");
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const hasHost = first === "localhost" || /[.:]/.test(first);
  const rest = hasHost ? name.slice(slash + 1) : name;
  const colon = rest.lastIndexOf(":");
  const tag = colon === -1 ? "latest" : rest.slice(colon + 1);
  const path = colon === -1 ? rest : rest.slice(0, colon);
  if (!TAG.test(tag)) throw refused(`"${tag}" is not a tag`);
  const isHub = !hasHost || first === DOCKER_HUB || first === "index.docker.io";
  const repository = isHub && !path.includes("/") ? `library/${path}` : path;
  if (!REPOSITORY.test(repository)) throw refused(`"${path}" is not a repository`);
  if (!URL.canParse(`https://${first || DOCKER_HUB}`)) throw refused(`"${first}" is not a host`);
  return {
    ...(isHub ? { registry: DOCKER_HUB, host: DOCKER_HUB_HOST } : { registry: first, host: first }),
    ...{ repository, version: digest ?? tag },
  };
}
