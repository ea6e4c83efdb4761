export { OfflineMesh, type OfflineNode } from "./offline-mesh.ts";
