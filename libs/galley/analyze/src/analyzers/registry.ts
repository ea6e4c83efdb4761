import type { Analyzer } from "../analyzer.ts";
import { annotations } from "./annotations.ts";
import { deprecations } from "./deprecation.ts";
import { serverCertificates, subsets } from "./destination-rule.ts";
import { envoyFilterPatches } from "./envoy-filter.ts";
import { conflictingGateways, duplicateCertificates, gatewayPods, gatewaySecrets } from "./gateway.ts";
import { applicationUser, automaticImages, injection } from "./injection.ts";
import { conditions, networkRegistries, telemetryProviders, webhooks } from "./mesh.ts";
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
  networkRegistries,
  policySelectors,
  portNames,
  serverCertificates,
  serviceEntryAddresses,
  sharedPods,
  sidecarSelectors,
  subsets,
  telemetryProviders,
  telemetrySelectors,
  webhooks,
];
