export { createRemoteFactory } from "./factory.ts";
