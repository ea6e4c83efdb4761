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
{{- if ne .Release.Namespace "istio-system" -}}
{{- fail (printf "the control plane runs in the namespace istio-system and in no other yet, not in %q: add --namespace istio-system" .Release.Namespace) -}}
{{- end -}}
{{- if ne $merged.global.configRootNamespace "istio-system" -}}
{{- fail "global.configRootNamespace: objects for the whole mesh are in istio-system, and in no other namespace yet" -}}
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
