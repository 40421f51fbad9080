/** Light and dark by the reader's own setting; colour never says anything alone. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5b6570; --paper: #ffffff; --card: #f6f7f9; --line: #d5dae0; --good: #19734a; --bad: #b3261e; --wait: #8a5a00; --curve: #1f5fbf; --violet: #7a3fb0; --teal: #0f7d80; --warm: #b4540a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --quiet: #9aa5b1; --paper: #14171a; --card: #1c2126; --line: #353d46; --good: #5cc992; --bad: #ff8a80; --wait: #e5b454; --curve: #7fb0ff; --violet: #c39bf0; --teal: #53c4c0; --warm: #f0a060; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1300px; padding: 20px 24px 60px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 18px; margin: 34px 0 8px; } h3 { font-size: 15px; margin: 22px 0 6px; } h2 small, h3 small { font-weight: 400; color: var(--quiet); font-size: 14px; }
header { display: flex; gap: 18px; align-items: baseline; flex-wrap: wrap; border-bottom: 1px solid var(--line); padding-bottom: 10px; } header nav { display: flex; gap: 14px; }
a { color: var(--curve); } p { margin: 6px 0; max-width: 85ch; } .quiet { color: var(--quiet); }
.good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); } .good, .bad, .wait { font-weight: 600; }
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
.health { font-size: 16px; max-width: none; margin: 8px 0 12px; border-left: 4px solid; padding: 4px 12px; background: var(--card); border-radius: 0 6px 6px 0; } .health bdi { color: var(--ink); font-weight: 400; overflow-wrap: anywhere; } .health .state { margin-right: 8px; font-weight: 600; }
.alerts { margin: 6px 0 14px; padding-left: 24px; } .alerts li { margin: 3px 0; overflow-wrap: anywhere; } .kind-of { color: var(--wait); }
.rollout { border: 1px solid var(--line); border-radius: 8px; padding: 6px 14px; margin: 12px 0; } .rollout p { max-width: none; }
.steps { list-style: none; display: flex; gap: 6px; padding: 0; margin: 6px 0; } .steps li { border: 1px solid var(--line); border-radius: 12px; padding: 0 12px; color: var(--quiet); } .steps .past { color: var(--ink); } .steps .past::before { content: "✓ "; } .steps .now { border: 2px solid var(--curve); color: var(--ink); font-weight: 600; }
.timeline { margin: 14px 0 6px; } .panels { position: relative; padding-top: 44px; }
.over { position: absolute; top: 0; left: 52px; width: calc(100% - 52px); height: 100%; overflow: visible; }
.panel { display: grid; grid-template-columns: 52px minmax(0, 1fr); margin: 0 0 10px; } .panel figcaption { grid-column: 2; display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 20px; padding: 0 0 2px; color: var(--ink); position: relative; z-index: 1; pointer-events: none; } .told, .key { background: var(--paper); padding-right: 6px; } .panel-name { margin-right: 6px; }
.told b:not(.panel-name) { font-variant-numeric: tabular-nums; } .told { font-size: 14px; } .legend { display: flex; flex-wrap: wrap; gap: 0 14px; color: var(--quiet); } .key { white-space: nowrap; } .key svg { vertical-align: -1px; overflow: visible; }
.gutter, .plot, .axis { display: block; } .plot { background: var(--card); border-radius: 4px; } .axis { margin-left: 52px; width: calc(100% - 52px); overflow: visible; } .plot path, .plot line { vector-effect: non-scaling-stroke; }
.grid { stroke: var(--line); stroke-opacity: .7; } .zero { stroke: var(--quiet); } .bound { stroke: var(--bad); stroke-dasharray: 2 3; stroke-width: 1.3; }
.expected { fill: var(--good); fill-opacity: .13; } .interval { fill: var(--curve); fill-opacity: .2; } .estimated { fill: none; stroke: var(--violet); stroke-width: 1.5; stroke-dasharray: 5 4; } .drift { fill: none; stroke: var(--warm); stroke-width: 1.8; } .predictions { fill: none; stroke: var(--teal); stroke-width: 1.4; stroke-dasharray: 6 3; }
.plot path { fill: none; stroke-linecap: round; stroke-linejoin: round; } .plot path.interval { fill: var(--curve); }
.dot.partly { fill: var(--card); stroke: var(--curve); stroke-width: 1.5; } .dot.guess { fill: var(--violet); } .dot.passed { fill: var(--warm); } .name { font-size: 11px; paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
.bar.gain, .fill-gain { fill: var(--good); fill-opacity: .75; } .bar.loss, .fill-loss { fill: var(--bad); fill-opacity: .75; } .fill-gain, .fill-loss { fill-opacity: .12; } .stripe-gain { fill: var(--good); } .stripe-loss { fill: var(--bad); } .bar.gain.guess { fill: url(#hatch-gain); fill-opacity: 1; stroke: var(--good); } .bar.loss.guess { fill: url(#hatch-loss); fill-opacity: 1; stroke: var(--bad); }
.v0 { fill: var(--curve); fill-opacity: .6; } .v1 { fill: url(#hatch-v1); } .v2 { fill: url(#dots-v2); } .v3 { fill: url(#hatch-v3); } .fill-v1 { fill: var(--violet); fill-opacity: .25; } .stripe-v1 { fill: var(--violet); } .fill-v2 { fill: var(--teal); fill-opacity: .25; } .stripe-v2 { fill: var(--teal); } .fill-v3 { fill: var(--warm); fill-opacity: .25; } .stripe-v3 { fill: var(--warm); }
.fills { position: absolute; } .day { fill: var(--ink); fill-opacity: 0; } .day:hover { fill-opacity: .07; } .break rect { fill: var(--paper); }
.over line { stroke-width: 1.3; stroke: var(--quiet); pointer-events: none; } .over .mark-alert { stroke: var(--wait); stroke-dasharray: 3 3; } .over .mark-retraining { stroke: var(--violet); stroke-dasharray: 1 3; stroke-linecap: round; stroke-width: 2; } .over .mark-canary { stroke: var(--curve); } .over .mark-rollback { stroke: var(--bad); stroke-width: 2; }
.flag { overflow: visible; } .flag rect { fill: var(--paper); stroke: var(--line); } .flag text { font-size: 11px; font-variant-numeric: tabular-nums; }
.lanes .plot { background: none; position: relative; z-index: 1; pointer-events: none; } .span { pointer-events: auto; } .span rect { fill: var(--wait); fill-opacity: .55; } .span.open rect { fill: var(--bad); fill-opacity: .7; }
.story { width: 100%; } .story td, .story th { vertical-align: top; } .story td:last-child { width: 100%; overflow-wrap: anywhere; } .when { white-space: nowrap; }
.badge { display: inline-block; min-width: 22px; padding: 0 6px; border: 1.5px solid var(--quiet); border-radius: 9px; text-align: center; font-size: 12px; } .badge.mark-alert { border-color: var(--wait); } .badge.mark-retraining { border-color: var(--violet); } .badge.mark-canary { border-color: var(--curve); } .badge.mark-rollback { border-color: var(--bad); } .badge.unplaced { border-style: dashed; }
h2 nav { display: inline-flex; gap: 10px; font-size: 14px; font-weight: 400; margin-left: 10px; } h2 nav [aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
dl { display: grid; grid-template-columns: max-content auto; gap: 4px 18px; } dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
h1 a { color: inherit; text-decoration: none; } .note { white-space: pre-wrap; } .value { overflow-wrap: anywhere; }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 3px 8px; max-width: 100%; } button { cursor: pointer; } .search { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: baseline; margin: 8px 0; }
.search label { max-width: 100%; } .runs th, .runs td { white-space: nowrap; } .runs thead a { text-decoration: none; } :target { outline: 2px solid var(--curve); outline-offset: 3px; border-radius: 2px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 6px 26px; margin: 14px 0; } .below { grid-column: 2; overflow: visible; } .scatter { max-width: 820px; }
.s0 { stroke: var(--curve); } .s1 { stroke: var(--warm); stroke-dasharray: 7 3; } .s2 { stroke: var(--teal); stroke-dasharray: 2 4; } .s3 { stroke: var(--violet); stroke-dasharray: 9 3 2 3; } .s4 { stroke: var(--good); stroke-dasharray: 12 4; } .s5 { stroke: var(--bad); stroke-dasharray: 4 4; } .s6 { stroke: var(--ink); } .s7 { stroke: var(--wait); stroke-dasharray: 2 2 7 2; } .curves path, .key line[class^="s"] { stroke-width: 1.8; }
summary { cursor: pointer; color: var(--curve); } .numbers { margin: 10px 0; } .numbers td { white-space: nowrap; }
`;
