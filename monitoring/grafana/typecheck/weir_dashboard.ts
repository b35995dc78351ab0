// What Grafana's own types say of a dashboard of weir. Its Panel leaves options and custom fields open;
// here they are those of the panel's type, so that a misspelt one is an error.
import type * as grafana from '@grafana/schema';
import type * as barChart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as barGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as xyChart from '@grafana/schema/dist/esm/raw/composable/xychart/panelcfg/x/XYChartPanelCfg_types.gen';

// A file has the values of enumerations, not their names.
type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Array<Written<Item>>
      : T extends object
        ? { [Key in keyof T]: Written<T[Key]> }
        : T;

// The query of Prometheus: its types are not in the package.
interface Target {
  refId: string;
  datasource: grafana.DataSourceRef;
  expr: string;
  legendFormat: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  editorMode: 'code';
}

type Defaults<Custom> = Omit<grafana.FieldConfig, 'custom' | 'links'> & {
  custom?: Custom;
  links?: Array<{ title: string; url: string; targetBlank: boolean }>;
};

type Property<Custom> =
  | { [Key in keyof Defaults<Custom> & string]: { id: Key; value: Defaults<Custom>[Key] } }[Exclude<
      keyof Defaults<Custom> & string,
      'custom'
    >]
  | { [Key in keyof Custom & string]: { id: `custom.${Key}`; value: Custom[Key] } }[keyof Custom & string];

interface Fields<Custom> {
  defaults: Defaults<Custom>;
  overrides: Array<{ matcher: { id: 'byName' | 'byRegexp'; options: string }; properties: Array<Property<Custom>> }>;
}

type PanelOf<Type extends string, Options, Custom> = Omit<
  grafana.Panel,
  'type' | 'options' | 'fieldConfig' | 'targets'
> & {
  id: number;
  type: Type;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: Target[];
};

type AnyPanel =
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'stat', stat.Options, {}>
  | PanelOf<'bargauge', barGauge.Options, {}>
  | PanelOf<'barchart', barChart.Options, barChart.FieldConfig>
  | PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | PanelOf<'state-timeline', stateTimeline.Options, stateTimeline.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'xychart', xyChart.Options, xyChart.FieldConfig>
  | (Omit<grafana.RowPanel, 'type' | 'panels'> & { type: 'row'; panels: [] });

// What Prometheus adds to an annotation.
type Annotation = Omit<grafana.AnnotationQuery, 'target'> & {
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: false | 'on';
  target: { refId: string; expr: string; interval: string; legendFormat: string };
};

type Board = Omit<grafana.Dashboard, 'panels' | 'annotations' | 'id'> & {
  id: null;
  panels: AnyPanel[];
  annotations: { list: Annotation[] };
};

export type WeirDashboard = Written<Board>;

// That it would find what it looks for.
type StatOptions = Extract<WeirDashboard['panels'][number], { type: 'stat' }>['options'];
type LineFields = Extract<WeirDashboard['panels'][number], { type: 'timeseries' }>['fieldConfig'];
// @ts-expect-error: there is no such mode.
export const mode: StatOptions['colorMode'] = 'colourful';
// @ts-expect-error: a misspelt custom field.
export const field: LineFields = { defaults: { custom: { lineWidht: 2 } }, overrides: [] };
export const property: LineFields = {
  defaults: {},
  // @ts-expect-error: a width is a number.
  overrides: [{ matcher: { id: 'byName', options: 'a' }, properties: [{ id: 'custom.lineWidth', value: 'two' }] }],
};
// @ts-expect-error: a dashboard has a list of links, not one.
export const links: WeirDashboard['links'] = { title: 'weir' };
