{{- /*
Puts together the values: the defaults, the profile, and the user's on top. Every template begins with it; it does its work once for a release.
*/ -}}
{{- define "xebec.values" -}}
{{- if hasKey .Values "_internal_defaults_do_not_set" -}}
{{- $defaults := .Values._internal_defaults_do_not_set -}}
{{- $own := omit .Values "_internal_defaults_do_not_set" -}}
{{- include "xebec.checkNames" . -}}
{{- $file := printf "profiles/%s.yaml" $own.profile -}}
{{- $text := .Files.Get $file -}}
{{- if and (not $text) (ne $own.profile "default") -}}
{{- fail (printf "profile: there is no profile %q" $own.profile) -}}
{{- end -}}
{{- $profile := $text | default "{}" | fromYaml -}}
{{- $merged := mustMergeOverwrite (deepCopy $defaults) $profile (deepCopy $own) -}}
{{- include "xebec.checkIstiod" $merged -}}
{{- if not $merged.mixer.adapters.kubernetesenv.enabled -}}
{{- fail "mixer.adapters.kubernetesenv.enabled: attributes of workloads come from the registry and are always there; leave it true" -}}
{{- end -}}
{{- if and $merged.global.useMCP (not (and $merged.galley.enabled (or $merged.security.enabled $merged.global.caAddress))) -}}
{{- fail "global.useMCP: galley serves MCP to clients with a certificate; it needs galley.enabled, and security.enabled or global.caAddress" -}}
{{- end -}}
{{- include "xebec.checkCanary" (dict "root" . "values" $merged) -}}
{{- if $merged.canaryOf -}}
{{- $_ := set $merged.galley "writeStatus" false -}}
{{- end -}}
{{- if not $merged.mixer.enabled -}}
{{- $_ := set $merged.mixer.policy "enabled" false -}}
{{- $_ := set $merged.mixer.telemetry "enabled" false -}}
{{- end -}}
{{- if $merged.nats.externalURLs -}}
{{- $_ := set $merged.nats "own" false -}}
{{- else -}}
{{- $_ := set $merged.nats "own" $merged.nats.enabled -}}
{{- end -}}
{{- if and (or $merged.nats.enabled $merged.nats.externalURLs) (not $merged.security.enabled) (not $merged.nats.auth.existingSecret) -}}
{{- fail "nats: the keys of the bus are made by citadel, which security.enabled=false switches off; make them with `xebec bus-keys` and set nats.auth.existingSecret, or set nats.enabled=false" -}}
{{- end -}}
{{- if and $merged.nats.own $merged.nats.tls.enabled (not $merged.nats.tls.existingSecret) $merged.nats.auth.existingSecret -}}
{{- fail "nats.tls: citadel makes the certificate of the servers together with their keys, which nats.auth.existingSecret replaces; name a Secret with tls.crt, tls.key and ca.crt in nats.tls.existingSecret, or set nats.tls.enabled=false" -}}
{{- end -}}
{{- $_ := set . "Values" $merged -}}
{{- end -}}
{{- end -}}

{{- /* Says what to write in place of values that Istio 1.1's charts have and this one does not. */ -}}
{{- define "xebec.checkNames" -}}
{{- $own := omit .Values "_internal_defaults_do_not_set" -}}
{{- $found := list -}}
{{- range $path, $hint := .Files.Get "istio-values.yaml" | fromYaml -}}
{{- $names := splitList "." $path -}}
{{- range $component := (eq (first $names) "*" | ternary (list "pilot" "security" "galley" "sidecarInjectorWebhook" "mixer.policy" "mixer.telemetry" "mixer") (list (first $names))) -}}
{{- $all := concat (splitList "." $component) (rest $names) -}}
{{- $at := $own -}}
{{- range initial $all -}}
{{- $at = kindIs "map" $at | ternary (get $at .) dict | default dict -}}
{{- end -}}
{{- if kindIs "map" $at -}}
{{- if hasKey $at (last $all) -}}
{{- $found = append $found (printf "%s: %s" (join "." $all) $hint) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $found -}}
{{- fail (printf "values of Istio 1.1 that there are not here:\n%s" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{- /* Two control planes have one root. Arguments: root; values. */ -}}
{{- define "xebec.checkCanary" -}}
{{- $home := .root.Release.Namespace -}}
{{- with .values.canaryOf -}}
{{- if eq . $home -}}
{{- fail (printf "canaryOf: the other control plane is in %s, too; install this one in a namespace of its own" $home) -}}
{{- end -}}
{{- if not $.values.revision -}}
{{- fail "revision: two control planes would inject the same namespaces; set revision=canary, for example" -}}
{{- end -}}
{{- else -}}
{{- if and .root.Release.IsInstall .values.security.enabled (not (lookup "v1" "Secret" $home "cacerts")) -}}
{{- range (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "").items -}}
{{- if and (eq (dig "metadata" "labels" "app.kubernetes.io/part-of" "" .) "xebec") (eq (dig "metadata" "labels" "app" "" .) "citadel") -}}
{{- $other := trimPrefix "istio-citadel-" .metadata.name -}}
{{- if ne $other $home -}}
{{- fail (printf "security: another citadel is installed in %s, and the two would overwrite each other's roots in every namespace; for a canary set canaryOf=%s" $other $other) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* One process is all of the services or none. Argument: the values. */ -}}
{{- define "xebec.checkIstiod" -}}
{{- if .istiod.enabled -}}
{{- range $name, $component := dict "pilot" .pilot "security" .security "galley" .galley "sidecarInjectorWebhook" .sidecarInjectorWebhook "mixer" .mixer "mixer.policy" .mixer.policy "mixer.telemetry" .mixer.telemetry -}}
{{- if not $component.enabled -}}
{{- fail (printf "%s.enabled: istiod has all services in one process; leave it true, or set istiod.enabled=false" $name) -}}
{{- end -}}
{{- end -}}
{{- if or .nats.enabled .nats.externalURLs -}}
{{- fail "nats: the bus of istiod is in its memory; set nats.enabled=false, as the profile istiod does" -}}
{{- end -}}
{{- if and .galley.writeStatus (gt (.istiod.replicaCount | int) 1) -}}
{{- fail "istiod.replicaCount: replicas know nothing of each other's proxies and would overwrite each other's conditions; set galley.writeStatus=false for more than one" -}}
{{- end -}}
{{- end -}}
{{- end -}}
