#include "report/sections.h"

namespace lathe::report {

std::string_view style_sheet() {
  return R"css(
:root {
  --paper: #fbfaf7; --card: #ffffff; --ink: #23211d; --faint: #76716a; --line: #e4e0d8; --track: #efece5;
  --product: #2f6690; --attention: #8a4f7d; --rows: #b9682b; --other: #6f7a5b; --limit: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #191817; --card: #22211f; --ink: #e9e6df; --faint: #9b958b; --line: #3a3834; --track: #2d2b28;
    --product: #6ba6d1; --attention: #c58ab6; --rows: #e09a62; --other: #a5b389; --limit: #ff8a80;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1440px; padding: 32px 24px 80px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, "Segoe UI", "Helvetica Neue", sans-serif; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 44px 0 4px; } h3 { font-size: 14px; margin: 22px 0 6px; }
p { margin: 4px 0 12px; max-width: 75ch; color: var(--faint); }
code, td.code, svg text { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
nav a { color: var(--product); margin-right: 16px; text-decoration: none; }
nav { margin: 10px 0 0; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; min-width: 140px; }
.card b { display: block; font-size: 20px; font-weight: 600; } .card span { color: var(--faint); font-size: 12px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; margin: 10px 0;
  overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: right; font-weight: 500; color: var(--faint); border-bottom: 1px solid var(--line); padding: 4px 8px;
  white-space: nowrap; }
td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th.left, td.left, td.code { text-align: left; }
td.code { font-size: 12px; max-width: 290px; overflow: hidden; text-overflow: ellipsis; }
td.faint, .faint { color: var(--faint); } tr.sum td { font-weight: 600; }
tr.kind { cursor: pointer; } tr.kind td:first-child::before { content: "▸ "; color: var(--faint); }
tr.kind.open td:first-child::before { content: "▾ "; } tr.layer { display: none; } tr.layer.shown { display: table-row; }
tr.layer td { color: var(--faint); } tr.layer td:first-child { padding-left: 24px; }
.bar { position: relative; height: 12px; background: var(--track); border-radius: 3px; min-width: 110px; overflow: hidden; }
.bar i { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 3px; }
.product { background: var(--product); } .attention { background: var(--attention); } .rows { background: var(--rows); }
.other { background: var(--other); } .lost { background: var(--faint); opacity: .45; }
svg .product { fill: var(--product); } svg .attention { fill: var(--attention); } svg .rows { fill: var(--rows); }
svg .other { fill: var(--other); }
svg { display: block; } svg text { fill: var(--ink); font-size: 11px; } svg text.faint { fill: var(--faint); }
svg text.on { fill: var(--card); } svg .box { fill: var(--card); stroke: var(--line); }
svg .edge { fill: none; stroke: var(--faint); stroke-opacity: .35; } svg .ribbon { fill-opacity: .22; stroke: none; }
svg .axis { stroke: var(--line); } svg .bound { stroke: var(--limit); stroke-dasharray: 5 4; fill: none; }
svg .alive { stroke: var(--ink); stroke-opacity: .7; fill: none; }
svg .tensor { fill-opacity: .55; stroke: var(--card); stroke-width: .5; } svg .tensor:hover { fill-opacity: 1; }
svg .place { fill-opacity: .8; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; padding: 0 14px; }
summary { cursor: pointer; padding: 8px 0; } summary b { font-weight: 600; } summary span { color: var(--faint); }
details details { border-style: dashed; }
.key { display: inline-flex; gap: 16px; font-size: 12px; color: var(--faint); margin: 4px 0; }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
.tabs button { font: inherit; font-size: 13px; background: none; border: 1px solid var(--line); border-radius: 6px; color: var(--ink);
  padding: 3px 12px; margin-right: 6px; cursor: pointer; }
.tabs button.on { background: var(--product); border-color: var(--product); color: var(--card); }
.pane { display: none; } .pane.on { display: block; }
)css";
}

std::string_view script() {
  return R"js(
document.querySelectorAll("tr.kind").forEach(function (row) {
  row.addEventListener("click", function () {
    row.classList.toggle("open");
    for (var next = row.nextElementSibling; next && next.classList.contains("layer"); next = next.nextElementSibling)
      next.classList.toggle("shown");
  });
});
document.querySelectorAll(".tabs button").forEach(function (button) {
  button.addEventListener("click", function () {
    var group = button.closest(".tabbed");
    group.querySelectorAll(".tabs button, .pane").forEach(function (part) {
      part.classList.toggle("on", part.dataset.tab === button.dataset.tab);
    });
  });
});
)js";
}

}  // namespace lathe::report
