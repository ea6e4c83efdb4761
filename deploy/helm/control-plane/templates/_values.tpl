{{- /*
Puts together the values: the defaults, the profile, and the user's on top. Every template begins with it; it does its work once for a release.
*/ -}}
{{- define "xebec.values" -}}
{{- if hasKey .Values "_internal_defaults_do_not_set" -}}
{{- $defaults := .Values._internal_defaults_do_not_set -}}
{{- $own := omit .Values "_internal_defaults_do_not_set" -}}
{{- $file := printf "profiles/%s.yaml" $own.profile -}}
{{- $text := .Files.Get $file -}}
{{- if and (not $text) (ne $own.profile "default") -}}
{{- fail (printf "profile: there is no profile %q" $own.profile) -}}
{{- end -}}
{{- $profile := $text | default "{}" | fromYaml -}}
{{- $merged := mustMergeOverwrite (deepCopy $defaults) $profile (deepCopy $own) -}}
{{- include "xebec.checkIstiod" $merged -}}
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
