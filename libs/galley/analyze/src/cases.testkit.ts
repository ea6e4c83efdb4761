import { generateKey, privateKeyPem, selfSign } from "@xebec/model-pki";
import type { MessageName } from "./message.ts";

/** For each message, objects of which it is reported, and the same ones put right. */
export interface AnalyzerCase {
  readonly name: MessageName;
  /** All that run without being named, when absent. */
  readonly analyzers?: readonly string[];
  readonly wrong: string;
  readonly right: string;
}

let number = 0;
const object = (apiVersion: string, kind: string, name: string, spec: string, metadata = ""): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}${metadata && `, ${metadata}`}}\nspec: ${spec}\n`;
const istio = (kind: string, spec: string, { name = `o${++number}`, metadata = "" } = {}): string =>
  object("networking.istio.io/v1", kind, name, spec, metadata);
const security = (kind: string, spec: string): string => object("security.istio.io/v1", kind, `o${++number}`, spec);
const telemetry = (spec: string): string => object("telemetry.istio.io/v1", "Telemetry", `o${++number}`, spec);
const documents = (...parts: readonly string[]): string => parts.join("---\n");

const service = (name = "web", ports = "[{name: http, port: 80}]", more = ""): string =>
  object("v1", "Service", name, `{selector: {app: web}, ports: ${ports}${more}}`);
const deployment = (template: string, metadata = "labels: {app: web}", kind = "Deployment"): string =>
  kind === "Pod"
    ? object("v1", "Pod", "web", template, metadata)
    : object("apps/v1", kind, "web", `{template: {metadata: {${metadata}}, spec: ${template}}}`);
const PODS = deployment("{containers: [{name: app, image: app}]}");
const namespace = (labels: string, name = "default"): string =>
  `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}, labels: {${labels}}}\n`;
const route = (destination: string, more = ""): string =>
  istio("VirtualService", `{hosts: [web]${more}, http: [{route: [{destination: ${destination}}]}]}`, { name: "web" });
const gateway = (server: string, { name = "gw", selector = "{app: web}" } = {}): string =>
  istio("Gateway", `{selector: ${selector}, servers: [${server}]}`, { name });
const http = (hosts = '["*"]', port = 80): string =>
  `{port: {number: ${port}, name: p, protocol: HTTP}, hosts: ${hosts}}`;
const https = (credential: string): string =>
  `{port: {number: 443, name: s, protocol: HTTPS}, hosts: ["${credential}.com"], tls: {mode: SIMPLE, credentialName: ${credential}}}`;
const secret = (name: string, { key, certificate }: { key: string; certificate: string }): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\nstringData:\n  tls.crt: ${JSON.stringify(certificate)}\n  tls.key: ${JSON.stringify(key)}\n`;
const patch = (applyTo: string, operation: string, more = ""): string =>
  istio("EnvoyFilter", `{configPatches: [{applyTo: ${applyTo}, patch: {operation: ${operation}}${more}}]}`);
const rule = (policy: string, host = "web"): string => istio("DestinationRule", `{host: ${host}, ${policy}}`);
const annotated = (annotation: string): string =>
  deployment("{containers: [{name: app, image: app}]}", `labels: {app: web}, annotations: {${annotation}}`);
const tokens = object(
  "authentication.istio.io/v1alpha1",
  "Policy",
  "p",
  "{targets: [{name: web, ports: [{number: 80}]}], origins: [{jwt: {issuer: a}}]}",
);
const injector = (values: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-sidecar-injector, namespace: istio-system}\ndata: {values: '${values.replaceAll(/([a-zA-Z]+):/g, '"$1":')}'}\n`;
const PROXY_IMAGE = '{global: {hub: "hub", tag: "2", proxy: {image: "proxyv2"}}}';
const proxied = (image: string, annotations = ""): string =>
  deployment(`{containers: [{name: istio-proxy, image: "${image}"}]}`, `annotations: {${annotations}}`, "Pod");
const claims = `{hosts: [web], gateways: [gw], http: [{match: [{headers: {"@request.auth.claims.group": {exact: a}}}], route: [{destination: {host: web}}]}]}`;
const mesh = (spec: string): string => object("mesh.xebec.io/v1", "MeshConfig", "mesh", spec);

const [CERTIFICATE, OTHER] = [selfSigned(), selfSigned()];

export const CASES: readonly AnalyzerCase[] = [
  {
    name: "Deprecated",
    wrong: documents(
      istio("VirtualService", "{hosts: [a], http: [{fault: {delay: {percent: 1}}}]}"),
      object("rbac.istio.io/v1alpha1", "ServiceRole", "r", "{}"),
    ),
    right: istio("VirtualService", "{hosts: [a], http: [{fault: {delay: {percentage: {value: 1}}}}]}"),
  },
  {
    name: "ReferencedResourceNotFound",
    wrong: route("{host: web}"),
    right: documents(service(), route("{host: web}")),
  },
  {
    name: "ReferencedResourceNotFound",
    wrong: documents(service(), route("{host: web, subset: v1}")),
    right: documents(service(), rule("subsets: [{name: v1}]"), route("{host: web, subset: v1}")),
  },
  {
    name: "ReferencedResourceNotFound",
    wrong: documents(service(), route("{host: web, port: {number: 81}}")),
    right: documents(service(), route("{host: web.default.svc.cluster.local, port: {number: 80}}")),
  },
  {
    name: "ReferencedResourceNotFound",
    wrong: documents(service(), PODS, route("{host: web}", ", gateways: [gw]")),
    right: documents(service(), PODS, gateway(http()), route("{host: web}", ", gateways: [gw, mesh]")),
  },
  { name: "ReferencedResourceNotFound", wrong: gateway(http()), right: documents(PODS, gateway(http())) },
  {
    name: "ReferencedResourceNotFound",
    wrong: documents(PODS, gateway(https("a"))),
    right: documents(PODS, secret("a", CERTIFICATE), gateway(https("a"))),
  },
  { name: "NamespaceNotInjected", wrong: namespace("a: b"), right: namespace("istio-injection: disabled") },
  {
    name: "PodMissingProxy",
    wrong: documents(
      namespace("istio-injection: enabled"),
      deployment("{containers: [{name: app}]}", "labels: {app: web}", "Pod"),
    ),
    right: documents(
      namespace("istio-injection: enabled"),
      deployment("{containers: [{name: app}, {name: istio-proxy}]}", "labels: {app: web}", "Pod"),
    ),
  },
  {
    name: "MisplacedAnnotation",
    wrong: istio("VirtualService", "{}", { metadata: 'annotations: {status.sidecar.istio.io/port: "1"}' }),
    right: annotated('status.sidecar.istio.io/port: "1"'),
  },
  {
    name: "UnknownAnnotation",
    wrong: annotated("sidecar.istio.io/injct: a"),
    right: annotated("example.com/injct: a"),
  },
  {
    name: "AlphaAnnotation",
    analyzers: ["annotations.AlphaAnalyzer"],
    wrong: annotated("sidecar.istio.io/userVolume: a"),
    right: annotated("proxy.istio.io/config: a, sidecar.istio.io/status: a"),
  },
  {
    name: "MTLSPolicyConflict",
    wrong: documents(
      service(),
      PODS,
      rule("trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]}"),
      security("PeerAuthentication", "{mtls: {mode: STRICT}}"),
    ),
    right: documents(
      service(),
      PODS,
      rule("trafficPolicy: {tls: {mode: DISABLE}}"),
      security("PeerAuthentication", "{mtls: {mode: STRICT}}"),
      security(
        "PeerAuthentication",
        '{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {"80": {mode: PERMISSIVE}}}',
      ),
    ),
  },
  {
    name: "JwtFailureDueToInvalidServicePortPrefix",
    wrong: documents(service("web", "[{name: tcp-web, port: 80}]"), tokens),
    right: documents(service("web", "[{name: http-web, port: 80}, {name: tcp-other, port: 81}]"), tokens),
  },
  {
    name: "NamespaceInjectionEnabledByDefault",
    wrong: documents(namespace("a: b"), injector("{sidecarInjectorWebhook: {enableNamespacesByDefault: true}}")),
    right: documents(
      namespace("istio-injection: disabled"),
      injector("{sidecarInjectorWebhook: {enableNamespacesByDefault: true}}"),
    ),
  },
  {
    name: "PodsIstioProxyImageMismatchInNamespace",
    wrong: documents(namespace("a: b"), proxied("hub/proxyv2:1"), injector(PROXY_IMAGE)),
    right: documents(
      namespace("a: b"),
      proxied("hub/proxyv2:2-distroless"),
      proxied("hub/proxyv2:1", "sidecar.istio.io/proxyImage: a"),
      injector(PROXY_IMAGE),
    ),
  },
  {
    name: "InvalidAnnotation",
    wrong: annotated("traffic.sidecar.istio.io/includeOutboundIPRanges: 10.0.0.0/64"),
    right: annotated('traffic.sidecar.istio.io/includeOutboundIPRanges: "10.0.0.0/8,::/0"'),
  },
  {
    name: "DeprecatedAnnotation",
    wrong: annotated("sidecar.istio.io/discoveryAddress: a"),
    right: annotated("proxy.istio.io/config: a"),
  },
  {
    name: "ConflictingMeshGatewayVirtualServiceHosts",
    wrong: documents(
      istio("VirtualService", "{hosts: [web]}"),
      istio("VirtualService", "{hosts: [web.default.svc.cluster.local]}"),
    ),
    right: documents(
      istio("VirtualService", "{hosts: [web]}"),
      istio("VirtualService", "{hosts: [web], gateways: [gw]}"),
    ),
  },
  {
    name: "ConflictingMeshGatewayVirtualServiceHosts",
    wrong: documents(
      istio("VirtualService", "{hosts: [a.com], exportTo: [.]}"),
      istio("VirtualService", "{hosts: [a.com]}", { metadata: "namespace: other" }),
    ),
    right: documents(
      istio("VirtualService", "{hosts: [a.com], exportTo: [.]}"),
      istio("VirtualService", "{hosts: [a.com], exportTo: [.]}", { metadata: "namespace: other" }),
    ),
  },
  {
    name: "ConflictingSidecarWorkloadSelectors",
    wrong: documents(
      PODS,
      istio("Sidecar", "{workloadSelector: {labels: {app: web}}}"),
      istio("Sidecar", "{workloadSelector: {labels: {app: web}}}"),
    ),
    right: documents(
      PODS,
      istio("Sidecar", "{workloadSelector: {labels: {app: web}}}"),
      istio("Sidecar", "{workloadSelector: {labels: {app: db}}}"),
    ),
  },
  {
    name: "MultipleSidecarsWithoutWorkloadSelectors",
    wrong: documents(istio("Sidecar", "{}"), istio("Sidecar", "{}")),
    right: documents(istio("Sidecar", "{}"), istio("Sidecar", "{}", { metadata: "namespace: other" })),
  },
  {
    name: "VirtualServiceDestinationPortSelectorRequired",
    wrong: documents(service("web", "[{name: http, port: 80}, {name: tcp, port: 81}]"), route("{host: web}")),
    right: documents(
      service("web", "[{name: http, port: 80}, {name: tcp, port: 81}]"),
      route("{host: web, port: {number: 81}}"),
    ),
  },
  {
    name: "DeploymentAssociatedToMultipleServices",
    wrong: documents(
      namespace("istio-injection: enabled"),
      PODS,
      service("a"),
      service("b", "[{name: udp, port: 80, protocol: UDP}]"),
    ),
    right: documents(namespace("istio-injection: enabled"), PODS, service("a"), service("b")),
  },
  {
    name: "PortNameIsNotUnderNamingConvention",
    wrong: service("web", "[{name: web, port: 80}]"),
    right: service(
      "web",
      "[{name: http-web, port: 80}, {name: x, port: 81, appProtocol: http}, {name: y, port: 82, protocol: UDP}]",
    ),
  },
  {
    name: "NamespaceMultipleInjectionLabels",
    wrong: namespace("istio-injection: enabled, istio.io/rev: a"),
    right: namespace("istio.io/rev: a"),
  },
  {
    name: "UnknownMeshNetworksServiceRegistry",
    wrong: object("mesh.xebec.io/v1", "MeshNetworks", "n", "{networks: {a: {endpoints: [{fromRegistry: Nobody}]}}}"),
    right: object("mesh.xebec.io/v1", "MeshNetworks", "n", "{networks: {a: {endpoints: [{fromCidr: 10.0.0.0/8}]}}}"),
  },
  {
    name: "NoMatchingWorkloadsFound",
    wrong: security("AuthorizationPolicy", "{selector: {matchLabels: {app: web}}}"),
    right: documents(PODS, security("AuthorizationPolicy", "{selector: {matchLabels: {app: web}}}")),
  },
  {
    name: "NoServerCertificateVerificationDestinationLevel",
    wrong: rule("trafficPolicy: {tls: {mode: SIMPLE}}"),
    right: rule("trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /ca.pem}}"),
  },
  {
    name: "NoServerCertificateVerificationPortLevel",
    wrong: rule("trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: MUTUAL}}]}"),
    right: rule("trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: ISTIO_MUTUAL}}]}"),
  },
  {
    name: "VirtualServiceHostNotFoundInGateway",
    wrong: documents(
      gateway(http("[other/*.com, b.com]")),
      istio("VirtualService", "{hosts: [a.com], gateways: [gw]}"),
    ),
    right: documents(gateway(http('["./*.com"]')), istio("VirtualService", "{hosts: [a.com], gateways: [gw]}")),
  },
  {
    name: "ServiceEntryAddressesRequired",
    wrong: istio("ServiceEntry", "{hosts: [a.com], ports: [{number: 1, name: tcp, protocol: TCP}]}", {
      metadata: 'labels: {networking.istio.io/enable-autoallocate-ip: "false"}',
    }),
    right: istio(
      "ServiceEntry",
      "{hosts: [a.com], addresses: [10.0.0.1], ports: [{number: 1, name: tcp, protocol: TCP}]}",
      {
        metadata: 'labels: {networking.istio.io/enable-autoallocate-ip: "false"}',
      },
    ),
  },
  {
    name: "DeploymentConflictingPorts",
    wrong: documents(
      namespace("istio-injection: enabled"),
      PODS,
      service("a", "[{name: http, port: 80, targetPort: 8080}]"),
      service("b", "[{name: http, port: 81, targetPort: 8080}]"),
    ),
    right: documents(
      namespace("istio-injection: enabled"),
      PODS,
      service("a", "[{name: http, port: 80, targetPort: 8080}, {name: http-2, port: 81, targetPort: 8080}]"),
    ),
  },
  {
    name: "GatewayDuplicateCertificate",
    wrong: documents(PODS, secret("a", CERTIFICATE), gateway(https("a")), gateway(https("a"), { name: "gw2" })),
    right: documents(
      PODS,
      secret("a", CERTIFICATE),
      secret("b", OTHER),
      gateway(https("a")),
      gateway(https("b"), { name: "gw2" }),
    ),
  },
  {
    name: "InvalidWebhook",
    wrong:
      "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks: [{clientConfig: {service: {namespace: default, name: web}}}]\n",
    right: documents(
      "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks: [{clientConfig: {service: {namespace: default, name: web}}}]\n",
      service(),
    ),
  },
  {
    name: "IngressRouteRulesNotAffected",
    wrong: documents(
      istio("VirtualService", "{hosts: [a.com], gateways: [gw], http: [{route: [{destination: {host: web}}]}]}"),
      route("{host: web, subset: v1}"),
    ),
    right: documents(
      istio(
        "VirtualService",
        "{hosts: [a.com], gateways: [gw], http: [{route: [{destination: {host: web, subset: v1}}]}]}",
      ),
      route("{host: web, subset: v1}"),
    ),
  },
  {
    name: "InvalidApplicationUID",
    wrong: deployment("{securityContext: {runAsUser: 1337}, containers: [{name: app}]}"),
    right: deployment("{containers: [{name: app}, {name: istio-proxy, securityContext: {runAsUser: 1337}}]}"),
  },
  {
    name: "ConflictingGateways",
    wrong: documents(gateway(http("[a.com]")), gateway(http('["*.com"]'), { name: "gw2" })),
    right: documents(
      gateway(http("[a.com]")),
      gateway(http('["*.com"]', 81), { name: "gw2" }),
      gateway(http("[a.com]"), { name: "gw3", selector: "{app: db}" }),
    ),
  },
  {
    name: "ImageAutoWithoutInjectionWarning",
    wrong: deployment("{containers: [{name: istio-proxy, image: auto}]}"),
    right: deployment(
      "{containers: [{name: istio-proxy, image: auto}]}",
      'labels: {app: web, sidecar.istio.io/inject: "true"}',
    ),
  },
  {
    name: "ImageAutoWithoutInjectionError",
    wrong: deployment("{containers: [{name: istio-proxy, image: auto}]}", "labels: {app: web}", "Pod"),
    right: documents(
      namespace("istio-injection: enabled"),
      deployment("{containers: [{name: istio-proxy, image: auto}]}", "labels: {app: web}", "Pod"),
    ),
  },
  {
    name: "JwtClaimBasedRoutingWithoutRequestAuthN",
    wrong: documents(PODS, gateway(http()), istio("VirtualService", claims)),
    right: documents(
      PODS,
      gateway(http()),
      istio("VirtualService", claims),
      security("RequestAuthentication", "{jwtRules: []}"),
    ),
  },
  {
    name: "ExternalNameServiceTypeInvalidPortName",
    wrong: object("v1", "Service", "e", "{type: ExternalName, externalName: a.com, ports: [{name: tcp, port: 80}]}"),
    right: object("v1", "Service", "e", "{type: ExternalName, externalName: a.com, ports: [{name: https, port: 443}]}"),
  },
  {
    name: "EnvoyFilterUsesRelativeOperation",
    wrong: patch("HTTP_FILTER", "INSERT_BEFORE"),
    right: patch("HTTP_FILTER", "ADD"),
  },
  {
    name: "EnvoyFilterUsesReplaceOperationIncorrectly",
    wrong: patch("CLUSTER", "REPLACE"),
    right: patch("NETWORK_FILTER", "REPLACE"),
  },
  { name: "EnvoyFilterUsesAddOperationIncorrectly", wrong: patch("HTTP_ROUTE", "ADD"), right: patch("CLUSTER", "ADD") },
  {
    name: "EnvoyFilterUsesRemoveOperationIncorrectly",
    wrong: patch("ROUTE_CONFIGURATION", "REMOVE"),
    right: patch("CLUSTER", "REMOVE"),
  },
  {
    name: "EnvoyFilterUsesRelativeOperationWithProxyVersion",
    wrong: patch("HTTP_FILTER", "INSERT_AFTER", ", match: {proxy: {proxyVersion: 1.*}}"),
    right: patch("HTTP_FILTER", "INSERT_AFTER"),
  },
  {
    name: "InvalidTelemetryProvider",
    wrong: telemetry("{accessLogging: [{providers: [{name: logs}]}, {providers: [{name: envoy}]}]}"),
    right: documents(
      mesh("{extensionProviders: [{name: logs}]}"),
      telemetry("{accessLogging: [{providers: [{name: logs}]}]}"),
    ),
  },
  {
    name: "ConflictingTelemetryWorkloadSelectors",
    wrong: documents(
      PODS,
      telemetry("{selector: {matchLabels: {app: web}}}"),
      telemetry("{selector: {matchLabels: {app: web}}}"),
    ),
    right: documents(PODS, telemetry("{selector: {matchLabels: {app: web}}}"), telemetry("{}")),
  },
  {
    name: "MultipleTelemetriesWithoutWorkloadSelectors",
    wrong: documents(telemetry("{}"), telemetry("{}")),
    right: telemetry("{}"),
  },
  {
    name: "InvalidGatewayCredential",
    wrong: documents(PODS, secret("a", { ...CERTIFICATE, key: OTHER.key }), gateway(https("a"))),
    right: documents(PODS, secret("a", CERTIFICATE), gateway(https("a"))),
  },
  {
    name: "GatewayPortNotDefinedOnService",
    wrong: documents(PODS, service("gw", "[{name: http, port: 8080, targetPort: 8081}]"), gateway(http())),
    right: documents(PODS, service("gw", "[{name: http, port: 8080, targetPort: 80}]"), gateway(http())),
  },
  {
    name: "NegativeConditionStatus",
    wrong: `${istio("VirtualService", "{}")}status: {conditions: [{type: Accepted, status: "False"}]}\n`,
    right: `${istio("VirtualService", "{}")}status: {conditions: [{type: Accepted, status: "True"}]}\n`,
  },
  {
    name: "DestinationRuleSubsetNotSelectPods",
    wrong: documents(service(), PODS, rule("subsets: [{name: v1, labels: {version: v1}}]")),
    right: documents(service(), PODS, rule("subsets: [{name: v1, labels: {app: web}}]")),
  },
  { name: "UnknownDestinationRuleHost", wrong: rule("subsets: []"), right: documents(service(), rule("subsets: []")) },
];

/** A key and a certificate of its own. */
function selfSigned(): { readonly key: string; readonly certificate: string } {
  const [notBefore, notAfter] = [Date.now() - 60_000, Date.now() + 3_600_000];
  const key = generateKey("P-256");
  return { key: privateKeyPem(key), certificate: selfSign(key, { organization: "test", notBefore, notAfter }) };
}
