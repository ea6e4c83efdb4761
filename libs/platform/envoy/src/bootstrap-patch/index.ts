export { BootstrapPatch, type BootstrapPatchOptions } from "./bootstrap-patch.ts";
