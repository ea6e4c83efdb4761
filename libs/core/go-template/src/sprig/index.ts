import type { Functions } from "../pipeline.ts";
import { COLLECTIONS } from "./collections.ts";
import { ENCODINGS } from "./encodings.ts";
import { NUMBERS } from "./numbers.ts";
import { TEXTS } from "./texts.ts";

/**
 * The functions of the library Sprig, which Helm and Istio add to Go's. Those that give another result each time (`now`, `uuidv4`,
 * `randAlpha`), that make keys, or that reach the network or the environment are missing.
 */
export const SPRIG: Functions = { ...TEXTS, ...COLLECTIONS, ...NUMBERS, ...ENCODINGS };
