export { inboundCluster, outboundCluster, parseCluster, parseSni, sniOf } from "./cluster.ts";
export { canonicalHost, hostCovers, hostsOverlap, narrowerHost, resolveShortName } from "./host.ts";
export { labelsMatch } from "./labels.ts";
export { type Locality, localityOf } from "./locality.ts";
export { type NodeId, type NodeType, parseNodeId } from "./node-id.ts";
export { isHttp, isTls, type PortProtocol, protocolByName, protocolOfServicePort } from "./protocol.ts";
export { type Identity, parseSpiffe, spiffeId, trustDomainOf } from "./spiffe.ts";
