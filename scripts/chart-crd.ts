// crds/*.yaml -> the chart's CRD template: the same text, with the chart's switches around it.

/** The text of the template. What would be a template action in the definition's own text is quoted. */
export function chartCrd(crdText: string, source: string): string {
  const definition = crdText.slice(crdText.indexOf('\napiVersion:') + 1);
  const parts = /^(apiVersion:[^]*?\nmetadata:\n {2}name: \S+\n)(spec:\n[^]*)$/.exec(definition);
  if (parts === null) throw new Error(`${source}: metadata must hold the name and nothing else`);
  const [, head = '', spec = ''] = parts;
  return [
    `{{- /* GENERATED from ${source} by \`npm run generate\`. Do not edit. */ -}}\n`,
    '{{- if .Values.crds.enabled }}\n',
    head,
    '  labels: {{- include "protected-mcp-operator.labels" . | nindent 4 }}\n',
    '  {{- if .Values.crds.keep }}\n',
    '  annotations:\n',
    '    helm.sh/resource-policy: keep\n',
    '  {{- end }}\n',
    spec.replaceAll('{{', '{{ "{{" }}'),
    '{{- end }}\n',
  ].join('');
}
