/** Light and dark by the reader's own setting; colour never says anything alone. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5b6570; --paper: #ffffff; --card: #f6f7f9; --line: #d5dae0; --good: #19734a; --bad: #b3261e; --wait: #8a5a00; --curve: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --quiet: #9aa5b1; --paper: #14171a; --card: #1c2126; --line: #353d46; --good: #5cc992; --bad: #ff8a80; --wait: #e5b454; --curve: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1300px; padding: 20px 24px 60px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 18px; margin: 34px 0 8px; } h3 { font-size: 15px; margin: 22px 0 6px; } h2 small, h3 small { font-weight: 400; color: var(--quiet); font-size: 14px; }
header { display: flex; gap: 18px; align-items: baseline; flex-wrap: wrap; border-bottom: 1px solid var(--line); padding-bottom: 10px; } header nav { display: flex; gap: 14px; }
a { color: var(--curve); } p { margin: 6px 0; max-width: 85ch; } .quiet { color: var(--quiet); }
.good { color: var(--good); } .bad { color: var(--bad); } .good, .bad { font-weight: 600; }
.graph svg { max-width: 100%; min-width: 900px; height: auto; }
.graph { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } .kind { font-weight: 600; }
.node rect { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; } .node .state { font-size: 11px; fill: var(--quiet); }
.node.current rect { stroke: var(--good); } .node.current .state { fill: var(--good); } .node.refused rect { stroke: var(--bad); stroke-width: 2.5; } .node.refused .state { fill: var(--bad); font-weight: 600; }
.node.run rect { stroke: var(--wait); } .node.run .state { fill: var(--wait); } .node.waiting rect { stroke-dasharray: 4 3; }
.edge { fill: none; stroke: var(--quiet); stroke-opacity: .55; stroke-width: 1.3; }
.columns { display: flex; flex-wrap: wrap; gap: 8px 36px; align-items: flex-start; }
table { border-collapse: collapse; margin: 6px 0; font-size: 14px; } caption { text-align: left; color: var(--quiet); padding-bottom: 2px; }
th, td { text-align: right; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; } th:first-child, td:first-child, table.texts td, table.texts th { text-align: left; } thead th { color: var(--quiet); font-weight: 500; }
.scroll { overflow-x: auto; } ol.chain { padding-left: 22px; margin: 6px 0; } ol.chain li { margin: 3px 0; }
figure { margin: 6px 0; } figcaption { color: var(--quiet); font-size: 13px; padding-left: 34px; }
.frame { fill: var(--card); stroke: var(--line); } .diagonal { stroke: var(--quiet); stroke-dasharray: 4 4; fill: none; } .curve { fill: none; stroke: var(--curve); stroke-width: 2; } .dot { fill: var(--curve); }
.tick { font-size: 11px; fill: var(--quiet); } .end { text-anchor: end; } .middle { text-anchor: middle; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; } code { font: 13px ui-monospace, monospace; }
`;
