export { type AgentOptions, NodeAgent } from "./agent.ts";
export { KNOWN_IMAGES } from "./images/host-images.ts";
export { STORAGE_CLASS } from "./storage/provisioner.ts";
