export { createAdapter } from "./kubernetesenv.ts";
