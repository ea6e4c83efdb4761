import type { Analyzer } from "../analyzer.ts";
import { alphaAnnotations, annotations } from "./annotations.ts";
import { deprecations } from "./deprecation.ts";
import { serverCertificates, subsets } from "./destination-rule.ts";
import { envoyFilterPatches } from "./envoy-filter.ts";
import { conflictingGateways, duplicateCertificates, gatewayPods, gatewaySecrets } from "./gateway.ts";
import { applicationUser, automaticImages, injection, proxyImages } from "./injection.ts";
import { conditions, networkRegistries, telemetryProviders, webhooks } from "./mesh.ts";
import { mutualTlsConflicts, tokenPorts } from "./mutual-tls.ts";
import { policySelectors, sidecarSelectors, telemetrySelectors } from "./selectors.ts";
import { portNames, serviceEntryAddresses, sharedPods } from "./service.ts";
import {
  claimsWithoutAuthentication,
  conflictingHosts,
  destinationHosts,
  destinationSubsets,
  gatewayIgnoresMeshRules,
  gateways,
} from "./virtual-service.ts";

/** Every analyzer. A new one is a file, and a line here. */
export const ANALYZERS: readonly Analyzer[] = [
  alphaAnnotations,
  annotations,
  applicationUser,
  automaticImages,
  claimsWithoutAuthentication,
  conditions,
  conflictingGateways,
  conflictingHosts,
  deprecations,
  destinationHosts,
  destinationSubsets,
  duplicateCertificates,
  envoyFilterPatches,
  gatewayIgnoresMeshRules,
  gatewayPods,
  gatewaySecrets,
  gateways,
  injection,
  mutualTlsConflicts,
  networkRegistries,
  policySelectors,
  portNames,
  proxyImages,
  serverCertificates,
  serviceEntryAddresses,
  sharedPods,
  sidecarSelectors,
  subsets,
  telemetryProviders,
  telemetrySelectors,
  tokenPorts,
  webhooks,
];
