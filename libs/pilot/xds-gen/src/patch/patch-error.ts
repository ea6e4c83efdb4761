import type { PatchPoint } from "./patch.ts";

/** A patch that could not be applied to an object, which is served as it was without it. */
export interface PatchError {
  /** Key of the object that asked for the patch. */
  readonly configKey: string;
  /** Where the patch stands in that object. */
  readonly path?: string;
  readonly point: PatchPoint;
  /** Name of the object that it was for; empty for one without a name. */
  readonly target: string;
  readonly message: string;
}
