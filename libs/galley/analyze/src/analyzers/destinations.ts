import { type Fields, fields, items, text } from "../object.ts";

/** A destination of a VirtualService, with its place. */
export interface Destination {
  readonly host: string;
  readonly subset: string;
  readonly port: number | undefined;
  readonly path: readonly (string | number)[];
}

/** Every destination of a VirtualService, those of mirrors included. */
export function destinationsOf(spec: Fields): Destination[] {
  const found: Destination[] = [];
  const add = (value: unknown, path: readonly (string | number)[]): void => {
    const destination = fields(value);
    const host = text(destination.host);
    if (host === "") return;
    const port = Number(fields(destination.port).number) || undefined;
    found.push({ host, subset: text(destination.subset), port, path });
  };
  for (const kind of ["http", "tls", "tcp"])
    for (const [i, rule] of items(spec[kind]).entries()) {
      const at = ["spec", kind, i];
      for (const [j, route] of items(rule.route).entries()) add(route.destination, [...at, "route", j, "destination"]);
      add(rule.mirror, [...at, "mirror"]);
      for (const [j, mirror] of items(rule.mirrors).entries())
        add(mirror.destination, [...at, "mirrors", j, "destination"]);
    }
  return found;
}
