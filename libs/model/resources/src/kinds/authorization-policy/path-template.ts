/** A segment of a path as RFC 3986 has it. */
const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

/** True for a path with `{*}` or `{**}`. */
export function isPathTemplate(path: string): boolean {
  return path.includes("{*}") || path.includes("{**}");
}

/**
 * What is wrong with a path of an operation (docs/reference/pilot.md §3.9); undefined when it is right. Only templates have rules: every
 * other text is compared as it is.
 */
export function pathError(path: string): string | undefined {
  const isTemplate = isPathTemplate(path);
  // Envoy rejects the whole filter.
  if (isTemplate && !path.startsWith("/")) return `"${path}" must begin with /: a template stands for a whole path`;
  let isOpen = false;
  for (const segment of path.replace(/^\/+|\/+$/g, "").split("/")) {
    if (segment === "{*}" || segment === "{**}") {
      if (isOpen) return `"${path}" has ${segment} behind {**}, which must be the last one`;
      isOpen = segment === "{**}";
    } else if (/[{}]/.test(segment)) return `"${path}" has a brace that is not part of {*} or {**} as a whole segment`;
    else if (isTemplate && !LITERAL.test(segment))
      return `"${path}" has the segment "${segment}", which a path with {*} or {**} cannot have`;
  }
  return undefined;
}
