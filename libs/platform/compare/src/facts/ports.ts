import type { FactTable } from "../results.ts";

/** The ports on which each component of a shape listens. */
export type ShapePorts = Map<string, ReadonlyMap<string, readonly string[]>>;

/** Where processes can be reached: read from /proc while they ran. None where nothing ran in this run. */
export function portTable(shapes: ShapePorts): FactTable[] {
  if (shapes.size === 0) return [];
  const rows = [...shapes].flatMap(([shape, components]) =>
    [...components].map(([component, ports]) => [shape, component, ports.length, ports.join(", ")]),
  );
  return [
    {
      title: "Ports on which processes listen",
      about: "Read from /proc while the meshes ran. Ports of one process in several addresses count once.",
      columns: ["shape", "process", "ports", "which"],
      rows,
    },
  ];
}
