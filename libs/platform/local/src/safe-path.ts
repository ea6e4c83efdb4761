import { XebecError } from "@xebec/core-errors";

/** The name of a file in a folder. @throws XebecError invalid_argument for one that could lead elsewhere */
export function safeName(name: string): string {
  if (name === "" || name.startsWith(".") || /[/\0]/.test(name))
    throw new XebecError("invalid_argument", `"${name}" is not a file name`);
  return name;
}

/** A path below a folder, as Kubernetes takes it: relative, no `..`. @throws XebecError invalid_argument */
export function innerPath(path: string): string {
  const parts = path.replace(/\/$/, "").split("/");
  if (path.includes("\0") || parts.some((part) => part === "" || part === "." || part === ".."))
    throw new XebecError("invalid_argument", `"${path}" is not a path inside of its volume`);
  return path;
}
