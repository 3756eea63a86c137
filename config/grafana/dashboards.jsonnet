// The one source of both dashboards: scripts/dashboards writes the JSON files beside it, and a test holds them against it.
local docs = 'https://sendonce.example';
local at = 'job=~"$job", instance=~"$instance"';
local routed = at + ', route=~"$route"';

local datasource = { type: 'prometheus', uid: '${datasource}' };

local variable(name, query, label) = {
  name: name,
  label: label,
  type: 'query',
  datasource: datasource,
  query: { query: query, refId: name },
  definition: query,
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.+',
  current: { text: 'All', value: '$__all' },
  sort: 1,
};

local picker(name, label, type) = {
  name: name,
  label: label,
  type: 'datasource',
  query: type,
  current: {},
  refresh: 1,
};

local variables(loki) = [
  picker('datasource', 'Data source', 'prometheus'),
] + (if loki then [picker('loki', 'Logs', 'loki')] else []) + [
  variable('job', 'label_values(sendonce_build_info, job)', 'Job'),
  variable('instance', 'label_values(sendonce_build_info{job=~"$job"}, instance)', 'Instance'),
  variable('route', 'label_values(sendonce_incidents_total{job=~"$job"}, route)', 'Route'),
];

local target(expr, legend='', exemplar=false, instant=false, format='time_series') = {
  datasource: datasource,
  expr: expr,
  legendFormat: legend,
  exemplar: exemplar,
  instant: instant,
  range: !instant,
  format: format,
};

local panel(type, title, description, unit, targets, width=8, height=8) = {
  type: type,
  title: title,
  description: description,
  datasource: datasource,
  targets: [targets[i] { refId: std.char(65 + i) } for i in std.range(0, std.length(targets) - 1)],
  fieldConfig: { defaults: { unit: unit }, overrides: [] },
  options: {},
  size:: { w: width, h: height },
};

local graph(title, description, unit, targets, width=8, stacked=false) =
  panel('timeseries', title, description, unit, targets, width) {
    fieldConfig+: { defaults+: { min: 0, custom: {
      fillOpacity: if stacked then 30 else 8,
      lineWidth: 1,
      showPoints: 'never',
      stacking: { mode: if stacked then 'normal' else 'none' },
    } } },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };

local stat(title, description, unit, expr, steps, width=4) =
  panel('stat', title, description, unit, [target(expr, instant=true)], width, 4) {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' }, noValue: '0', thresholds: { mode: 'absolute', steps: steps } } },
    options: { colorMode: 'background', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } },
  };

local good = { color: 'green', value: null };
local from(value, color) = { color: color, value: value };

local explained(p) = p {
  fieldConfig+: { defaults+: { links: [{
    title: 'What ${__field.labels.kind} means, and how to mend it',
    url: docs + '/kinds.md#${__field.labels.kind}',
    targetBlank: true,
  }] } },
  links: [{ title: 'Kinds of incident', url: docs + '/kinds.md', targetBlank: true }],
};

local row(title) = { type: 'row', title: title, collapsed: false, panels: [], size:: { w: 24, h: 1 } };

// Places panels from left to right, in rows of 24 columns.
local placed(panels) = std.foldl(
  function(done, p)
    local fits = done.x + p.size.w <= 24;
    local x = if fits then done.x else 0;
    local y = if fits then done.y else done.y + done.h;
    {
      x: x + p.size.w,
      y: y,
      h: if fits then std.max(done.h, p.size.h) else p.size.h,
      panels: done.panels + [p { id: std.length(done.panels) + 1, gridPos: { x: x, y: y, w: p.size.w, h: p.size.h } }],
    },
  panels,
  { x: 0, y: 0, h: 0, panels: [] },
).panels;

local dashboard(uid, title, description, loki, panels) = {
  uid: uid,
  title: title,
  description: description,
  tags: ['sendonce'],
  schemaVersion: 39,
  editable: false,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: { list: variables(loki) },
  annotations: { list: [{
    name: 'Configuration loaded',
    datasource: datasource,
    enable: true,
    iconColor: 'blue',
    expr: 'changes(sendonce_config_last_reload_success_timestamp_seconds{' + at + '}[$__rate_interval]) > 0',
    titleFormat: '{{instance}}: configuration loaded',
  }] },
  links: [{ title: 'SendOnce', type: 'dashboards', tags: ['sendonce'], asDropdown: false, includeVars: true, keepTime: true }],
  panels: placed(panels),
};

local incidents = dashboard(
  'sendonce-incidents',
  'SendOnce / incidents',
  'Answers that were sent twice: which route, which kind, when, and what it did to clients.',
  true,
  [
    stat('Proven', 'Incidents in the time shown whose bytes leave no other reading.', 'short',
         'sum(increase(sendonce_incidents_total{' + routed + ', certainty="proven"}[$__range]))', [good, from(0.5, 'orange')]),
    stat('Suspected', 'Incidents that may have another reading. They never change traffic.', 'short',
         'sum(increase(sendonce_incidents_total{' + routed + ', certainty="suspected"}[$__range]))', [good, from(0.5, 'yellow')]),
    stat('Misdelivered', 'Answers that met a request that is not their own.', 'short',
         'sum(increase(sendonce_incidents_total{' + routed + ', kind="misdelivered_response"}[$__range]))', [good, from(0.5, 'red')]),
    stat('In quarantine', 'Servers whose connections serve one exchange each, after a proven double send.', 'short',
         'sum(sendonce_upstream_server_quarantined{' + at + '})', [good, from(1, 'orange')]),
    stat('Held back', 'Records that the log\'s limit held back; they are counted all the same.', 'short',
         'sum(increase(sendonce_incidents_suppressed_total{' + at + '}[$__range]))', [good, from(0.5, 'yellow')]),
    stat('Records lost', 'Records that a sink could not take.', 'short',
         'sum(increase(sendonce_incidents_dropped_total{' + at + '}[$__range]))', [good, from(0.5, 'red')]),
    explained(graph('Incidents by kind', 'A dot is an exemplar: the trace of the last incident of that series.', 'short', [
      target('sum by (kind) (increase(sendonce_incidents_total{' + routed + '}[$__rate_interval]))', '{{kind}}', exemplar=true),
    ], 12, true)),
    graph('Incidents by route', 'Which route to open first.', 'short', [
      target('topk(10, sum by (route) (increase(sendonce_incidents_total{' + routed + '}[$__rate_interval])))', '{{route}}'),
    ], 12, true),
    explained(panel('table', 'Route, kind and upstream in the time shown', 'Sorted by count; one row is usually one handler.', 'short', [
      target('sort_desc(sum by (route, kind, certainty, upstream) (increase(sendonce_incidents_total{' + routed + '}[$__range])) > 0)',
             instant=true, format='table'),
    ], 16)) {
      transformations: [{ id: 'organize', options: {
        excludeByName: { Time: true },
        renameByName: { Value: 'incidents' },
        indexByName: { route: 0, kind: 1, certainty: 2, upstream: 3, Value: 4 },
      } }],
    },
    graph('Surplus bytes', 'Bytes that upstreams sent beyond the answers that were due.', 'Bps', [
      target('sum by (upstream) (rate(sendonce_surplus_bytes_total{' + at + '}[$__rate_interval]))', '{{upstream}}'),
    ], 8),
    {
      type: 'logs',
      title: 'Records',
      description: 'The incident log as Loki has it. The label that selects it is the collector\'s choice.',
      datasource: { type: 'loki', uid: '${loki}' },
      targets: [{
        refId: 'A',
        datasource: { type: 'loki', uid: '${loki}' },
        expr: '{job=~"$job"} | json | schema = "1" | route =~ "$route" | line_format "{{.kind}} {{.route}} {{.message}}"',
      }],
      fieldConfig: { defaults: {}, overrides: [] },
      options: { showTime: true, wrapLogMessage: true, sortOrder: 'Descending', enableLogDetails: true },
      size:: { w: 24, h: 10 },
    },
  ],
);

local proxy = dashboard(
  'sendonce-proxy',
  'SendOnce / proxy',
  'Requests, upstreams, clients and the process itself.',
  false,
  [
    row('Requests'),
    graph('Requests by route', 'Answered requests a second.', 'reqps', [
      target('sum by (route) (rate(sendonce_requests_total{' + routed + '}[$__rate_interval]))', '{{route}}'),
    ], 8, true),
    graph('Share of 5xx by route', 'Of all answered requests.', 'percentunit', [
      target('sum by (route) (rate(sendonce_requests_total{' + routed + ', code=~"5.."}[$__rate_interval]))'
             + ' / sum by (route) (rate(sendonce_requests_total{' + routed + '}[$__rate_interval]))', '{{route}}'),
    ]),
    graph('Duration', 'From a request\'s header block to the end of its answer.', 's', [
      target('histogram_quantile(' + q + ', sum by (le) (rate(sendonce_request_duration_seconds_bucket{' + routed + '}[$__rate_interval])))',
             'p' + std.toString(std.round(q * 100)))
      for q in [0.5, 0.9, 0.99]
    ]),
    row('Upstreams'),
    graph('Time to the answer\'s header block', 'p99, from the request sent.', 's', [
      target('histogram_quantile(0.99, sum by (upstream, le) (rate(sendonce_upstream_response_header_seconds_bucket{' + at + '}[$__rate_interval])))',
             '{{upstream}}'),
    ]),
    graph('Connections', 'Open connections to upstreams.', 'short', [
      target('sum by (upstream, state) (sendonce_upstream_connections{' + at + '})', '{{upstream}} {{state}}'),
    ], 8, true),
    graph('Connections closed, by reason', 'docs/metrics.md says what each reason means.', 'cps', [
      target('sum by (reason) (rate(sendonce_upstream_connections_closed_total{' + at + '}[$__rate_interval]))', '{{reason}}'),
    ], 8, true),
    graph('Servers up', 'Of each upstream.', 'percentunit', [
      target('avg by (upstream) (sendonce_upstream_server_up{' + at + '})', '{{upstream}}'),
    ]),
    graph('Retries', 'Requests sent again, and those that were not because too many had been.', 'reqps', [
      target('sum by (upstream) (rate(sendonce_upstream_retries_total{' + at + '}[$__rate_interval]))', '{{upstream}}'),
      target('sum by (upstream) (rate(sendonce_upstream_retries_refused_total{' + at + '}[$__rate_interval]))', '{{upstream}} refused'),
    ]),
    graph('Turned away', 'Connections and requests that the proxy rejected itself.', 'reqps', [
      target('sum by (reason) (rate(sendonce_client_rejected_total{' + at + '}[$__rate_interval]))', '{{reason}}'),
    ], 8, true),
    row('Process'),
    graph('Client connections', 'Open connections from clients.', 'short', [
      target('sum by (listener) (sendonce_client_connections{' + at + '})', '{{listener}}'),
    ], 6),
    graph('Bytes', 'Received and sent, on either side.', 'Bps', [
      target('sum by (side) (rate(sendonce_received_bytes_total{' + at + '}[$__rate_interval]))', 'from {{side}}'),
      target('sum by (side) (rate(sendonce_sent_bytes_total{' + at + '}[$__rate_interval]))', 'to {{side}}'),
    ], 6),
    graph('Event loop lag', 'How late timers fire: p99.', 's', [
      target('histogram_quantile(0.99, sum by (le) (rate(sendonce_event_loop_lag_seconds_bucket{' + at + '}[$__rate_interval])))', 'p99'),
    ], 6),
    graph('Descriptors in use', 'Of those that the process may have.', 'percentunit', [
      target('process_open_fds{' + at + '} / process_max_fds{' + at + '}', '{{instance}}'),
    ], 6),
    row('By instance'),
    graph('Requests', 'Answered requests a second.', 'reqps', [
      target('sum by (instance) (rate(sendonce_requests_total{' + routed + '}[$__rate_interval]))', '{{instance}}'),
    ], 6, true),
    graph('Incidents', 'Of all kinds.', 'short', [
      target('sum by (instance) (increase(sendonce_incidents_total{' + routed + '}[$__rate_interval]))', '{{instance}}'),
    ], 6, true),
    graph('CPU', 'Cores in use.', 'short', [
      target('rate(process_cpu_seconds_total{' + at + '}[$__rate_interval]) and on (job, instance) sendonce_build_info', '{{instance}}'),
    ], 6),
    graph('Resident memory', 'Of the worker process.', 'bytes', [
      target('process_resident_memory_bytes{' + at + '} and on (job, instance) sendonce_build_info', '{{instance}}'),
    ], 6),
  ],
);

{ 'incidents.json': incidents, 'proxy.json': proxy }
