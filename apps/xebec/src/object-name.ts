/** A key of the mesh (`networking.istio.io/VirtualService/default/reviews`) as a user reads it. */
export function objectName(key: string): string {
  const parts = key.split("/");
  if (parts[0] === "file" || parts.length !== 4) return key.startsWith("file/") ? "" : key;
  const [, kind, namespace, name] = parts;
  return `${kind} ${namespace ? `${namespace}/` : ""}${name}`;
}

/** An object as kubectl names it: `virtualservice.networking.istio.io/reviews`, `service/reviews`. */
export function kubectlName(apiVersion: string, kind: string, name: string): string {
  return `${kubectlKind(apiVersion, kind)}/${name}`;
}

export function kubectlKind(apiVersion: string, kind: string): string {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";
  return `${kind.toLowerCase()}${group ? `.${group}` : ""}`;
}
