export { GrpcBootstrapConfig, type GrpcBootstrapFlags, writeGrpcBootstrap } from "./grpc-bootstrap-command.ts";
export { hasEnvoy, type ProxylessAgentOptions, proxylessAgent } from "./proxyless-agent.ts";
