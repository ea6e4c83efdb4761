export { MeshBuilder, type MeshChange } from "./mesh-builder.testkit.ts";
export { object, service, snapshotOf } from "./small-mesh.testkit.ts";
