import type { Scope } from "../scope/scope.ts";
import { envoyFilters } from "./envoy-filter/source.ts";
import type { PatchSource } from "./patch.ts";

/** All sources of patches, in the order in which their patches apply. A kind that asks for patches is one more line here. */
export const PATCH_SOURCES: readonly PatchSource<Scope>[] = [envoyFilters];
