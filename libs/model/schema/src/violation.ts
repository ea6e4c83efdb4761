/** Where in an object a value is: names of fields, keys of maps, indexes of lists from 0. */
export type Path = readonly (string | number)[];

/** An error in an object: where it is, and what is wrong, as a sentence without subject: `must be a string`. */
export interface Violation {
  /** Empty for the whole object. */
  readonly path: Path;
  readonly message: string;
}

/** A path as users write it: `spec.http[0].route[1].weight`, `labels["a b"]`. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text ? `.${part}` : part;
    else text += `["${part}"]`;
  }
  return text;
}

/** A violation or a warning with its field: `spec.hosts: must not be empty`. */
export function violationText({ path, message }: Violation): string {
  return path.length === 0 ? message : `${pathText(path)}: ${message}`;
}

/** All violations of an object as one sentence, as the webhook and the log show them. */
export function violationsText(violations: readonly Violation[]): string {
  return violations.map(violationText).join("; ");
}
