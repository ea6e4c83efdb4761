import { resolve } from "node:path";

/** Where programs are looked for. */
export const PLACES = { root: resolve(import.meta.dirname, "../../../.."), env: process.env };
