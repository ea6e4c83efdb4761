/**
 * The number of a port by its name. Names are the users': an object has more under `constructor` than what is its own.
 * @param ports numbers by names
 */
export function namedPort(ports: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(ports, name) ? ports[name] : undefined;
}
