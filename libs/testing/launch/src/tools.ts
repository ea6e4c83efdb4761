import { resolve } from "node:path";
import { findProgram, type ProgramName } from "@xebec/platform-process";

const ROOT = resolve(import.meta.dirname, "../../../..");

/** Finds a program that tests run, as the mesh does. @throws XebecError failed_precondition that says how to get it */
export function findTool(name: ProgramName): string {
  return findProgram(name, { root: ROOT, env: process.env });
}
