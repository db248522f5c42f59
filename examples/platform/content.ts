/** What the demo platform keeps, in memory: flows, secrets and endpoints per project, apps and reports beside. */

export interface Flow {
  readonly id: string;
  readonly name: string;
}

export interface App {
  readonly id: string;
  readonly name: string;
}

export interface Report {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** One project's content. */
export interface ProjectContent {
  readonly flows: Flow[];
  /** Name → value; a value is never handed out again. */
  readonly secrets: Map<string, string>;
  /** Endpoint name → the flow that it runs. */
  readonly endpoints: ReadonlyMap<string, string>;
  readonly reports: readonly Report[];
}

export interface Content {
  /** The content of a project; an empty one for a slug that has none yet. Ask only for slugs that a token reaches. */
  project(slug: string): ProjectContent;
  addFlow(slug: string, name: string): Flow;
  apps(): readonly App[];
  addApp(name: string): App;
}

/** Makes the sample content of the demo organization. */
export function createContent(): Content {
  const projects = new Map<string, ProjectContent>([
    [
      'atlas',
      {
        flows: [
          { id: 'flow_1', name: 'Nightly import' },
          { id: 'flow_2', name: 'Invoice approval' },
        ],
        secrets: new Map([['WAREHOUSE_PASSWORD', 'sample']]),
        endpoints: new Map([['run-import', 'Nightly import']]),
        reports: [],
      },
    ],
    [
      'borealis',
      {
        flows: [{ id: 'flow_3', name: 'Weekly digest' }],
        secrets: new Map(),
        endpoints: new Map([['send-digest', 'Weekly digest']]),
        reports: [
          { id: 'rep_1', title: 'Energy use, week 46', text: 'Consumption fell by 4 % against week 45.' },
          { id: 'rep_2', title: 'Energy use, week 47', text: 'Consumption rose by 1 % against week 46.' },
        ],
      },
    ],
    [
      'cygnus',
      {
        flows: [{ id: 'flow_4', name: 'Customer onboarding' }],
        secrets: new Map(),
        endpoints: new Map(),
        reports: [],
      },
    ],
  ]);
  const apps: App[] = [
    { id: 'app_1', name: 'Order desk' },
    { id: 'app_2', name: 'Stock viewer' },
  ];
  let flows = 4;

  function project(slug: string): ProjectContent {
    const known = projects.get(slug);
    if (known !== undefined) return known;
    const empty = { flows: [], secrets: new Map<string, string>(), endpoints: new Map(), reports: [] };
    projects.set(slug, empty);
    return empty;
  }

  return {
    project,
    addFlow(slug, name) {
      flows += 1;
      const flow = { id: `flow_${flows}`, name };
      project(slug).flows.push(flow);
      return flow;
    },
    apps: () => apps,
    addApp(name) {
      const app = { id: `app_${apps.length + 1}`, name };
      apps.push(app);
      return app;
    },
  };
}
