/** `b.c` and `c` of `a.b.c`: the domains that a host is below. */
export function* domainsAbove(host: string): Generator<string> {
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) yield host.slice(dot + 1);
}
