import type { Suspect } from "./suspects.ts";

/** A resource, or a part of one, that a client rejected: it is not sent until it changes. */
export interface Quarantined extends Pick<Suspect, "resource" | "part" | "version" | "configKeys"> {
  /** False while it is only one of several that may have caused the NACK. */
  readonly confirmed: boolean;
  /** True when the whole resource was rejected without patches, too. */
  readonly bare?: boolean;
  /** The error that the client reported. */
  readonly message: string;
}
