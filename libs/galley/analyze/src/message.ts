import type { AnalyzedObject } from "./object.ts";

export const LEVELS = ["Info", "Warning", "Error"] as const;
export type Level = (typeof LEVELS)[number];

/** The messages that apply here, by Istio's names (docs/reference/pilot.md §8.3). */
export const MESSAGE_TYPES = {
  Deprecated: ["IST0002", "Warning"],
  ReferencedResourceNotFound: ["IST0101", "Error"],
  NamespaceNotInjected: ["IST0102", "Info"],
  PodMissingProxy: ["IST0103", "Warning"],
  SchemaValidationError: ["IST0106", "Error"],
  MisplacedAnnotation: ["IST0107", "Warning"],
  UnknownAnnotation: ["IST0108", "Warning"],
  ConflictingMeshGatewayVirtualServiceHosts: ["IST0109", "Error"],
  ConflictingSidecarWorkloadSelectors: ["IST0110", "Error"],
  MultipleSidecarsWithoutWorkloadSelectors: ["IST0111", "Error"],
  VirtualServiceDestinationPortSelectorRequired: ["IST0112", "Error"],
  MTLSPolicyConflict: ["IST0113", "Error"],
  DeploymentAssociatedToMultipleServices: ["IST0116", "Warning"],
  PortNameIsNotUnderNamingConvention: ["IST0118", "Info"],
  JwtFailureDueToInvalidServicePortPrefix: ["IST0119", "Warning"],
  NamespaceMultipleInjectionLabels: ["IST0123", "Warning"],
  InvalidAnnotation: ["IST0125", "Warning"],
  UnknownMeshNetworksServiceRegistry: ["IST0126", "Error"],
  NoMatchingWorkloadsFound: ["IST0127", "Warning"],
  NoServerCertificateVerificationDestinationLevel: ["IST0128", "Warning"],
  NoServerCertificateVerificationPortLevel: ["IST0129", "Warning"],
  VirtualServiceUnreachableRule: ["IST0130", "Warning"],
  VirtualServiceIneffectiveMatch: ["IST0131", "Info"],
  VirtualServiceHostNotFoundInGateway: ["IST0132", "Warning"],
  SchemaWarning: ["IST0133", "Warning"],
  ServiceEntryAddressesRequired: ["IST0134", "Warning"],
  DeprecatedAnnotation: ["IST0135", "Info"],
  AlphaAnnotation: ["IST0136", "Info"],
  DeploymentConflictingPorts: ["IST0137", "Warning"],
  GatewayDuplicateCertificate: ["IST0138", "Warning"],
  InvalidWebhook: ["IST0139", "Error"],
  IngressRouteRulesNotAffected: ["IST0140", "Warning"],
  InvalidApplicationUID: ["IST0144", "Warning"],
  ConflictingGateways: ["IST0145", "Error"],
  ImageAutoWithoutInjectionWarning: ["IST0146", "Warning"],
  ImageAutoWithoutInjectionError: ["IST0147", "Error"],
  NamespaceInjectionEnabledByDefault: ["IST0148", "Info"],
  JwtClaimBasedRoutingWithoutRequestAuthN: ["IST0149", "Error"],
  ExternalNameServiceTypeInvalidPortName: ["IST0150", "Warning"],
  EnvoyFilterUsesRelativeOperation: ["IST0151", "Warning"],
  EnvoyFilterUsesReplaceOperationIncorrectly: ["IST0152", "Error"],
  EnvoyFilterUsesAddOperationIncorrectly: ["IST0153", "Error"],
  EnvoyFilterUsesRemoveOperationIncorrectly: ["IST0154", "Error"],
  EnvoyFilterUsesRelativeOperationWithProxyVersion: ["IST0155", "Warning"],
  InvalidTelemetryProvider: ["IST0157", "Warning"],
  PodsIstioProxyImageMismatchInNamespace: ["IST0158", "Warning"],
  ConflictingTelemetryWorkloadSelectors: ["IST0159", "Error"],
  MultipleTelemetriesWithoutWorkloadSelectors: ["IST0160", "Error"],
  InvalidGatewayCredential: ["IST0161", "Error"],
  GatewayPortNotDefinedOnService: ["IST0162", "Warning"],
  NegativeConditionStatus: ["IST0171", "Warning"],
  DestinationRuleSubsetNotSelectPods: ["IST0173", "Error"],
  UnknownDestinationRuleHost: ["IST0174", "Warning"],
} as const satisfies Readonly<Record<string, readonly [code: string, level: Level]>>;

export type MessageName = keyof typeof MESSAGE_TYPES;

/** A finding about one object. */
export interface Message {
  /** `IST0101`. */
  readonly code: string;
  readonly level: Level;
  readonly name: MessageName;
  readonly object: AnalyzedObject;
  /** Where in the object; empty when all of it is meant. */
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** Istio's page about a code. */
export function documentationUrl(code: string): string {
  return `https://istio.io/latest/docs/reference/config/analysis/${code.toLowerCase()}/`;
}

/** Whether a level is at least as grave as another one. */
export function isAtLeast(level: Level, threshold: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(threshold);
}
