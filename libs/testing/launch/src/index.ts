export { browserMissing, findBrowser } from "./browser.ts";
export { createTestCa, type TestCa, type TestNames } from "./certificates.ts";
export { type Child, startChild } from "./child.ts";
export { startDns } from "./dns-server.ts";
export { type Envoy, type EnvoyOptions, startEnvoy, validateWithEnvoy } from "./envoy.ts";
export { type NatsServer, type NatsServerOptions, startNatsServer } from "./nats-server.ts";
export { freeAddressBlock, freePort, freePorts, type TempDir, tempDir } from "./ports.ts";
export { type RedisServer, redisMissing, startRedisServer } from "./redis-server.ts";
export { findTool } from "./tools.ts";
