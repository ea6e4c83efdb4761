import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel } from "../../rules/names.ts";

/** A port is known by its number, or as in Istio 1.1 by its name. */
export function checkPort({ number, name }: { number?: number; name?: string }, path: Path, check: Checker): void {
  if (number === undefined && name === undefined) check.fail([...path, "number"], "is required");
  else if (number !== undefined && name !== undefined) check.fail([...path, "name"], "cannot be together with number");
  else if (name !== undefined && !isLabel(name)) check.fail([...path, "name"], `"${name}" is not a name of a port`);
}

/** The name of a port as Kubernetes has it. */
export function checkPortName(name: string, path: Path, check: Checker): void {
  if (!isLabel(name)) check.fail(path, `"${name}" is not a name of a port: letters, digits and - are allowed`);
}
