"use strict";

const make = (tag, text, ...children) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const rows = (title, pairs) => {
  if (pairs.length === 0) return [];
  const body = pairs.map(([name, text]) => make("tr", "", make("td", "", make("code", name)), make("td", text)));
  return [make("h3", title), make("table", "", make("tbody", "", ...body))];
};

const operation = (method, path, described) => {
  const parameters = (described.parameters || []).map((p) => [`${p.name} (${p.in})`, p.description || ""]);
  const responses = Object.entries(described.responses).map(([status, r]) => [status, r.description]);
  const summary = make("summary", "", make("code", `${method.toUpperCase()} ${path}`), ` ${described.summary || ""}`);
  return make("details", "", summary, make("p", described.description || ""), ...rows("Parameters", parameters), ...rows("Answers", responses));
};

const schema = (name, described) => {
  const properties = Object.entries(described.properties || {}).map(([field, p]) => [field, p.description || p.type || ""]);
  return make("details", "", make("summary", "", make("code", name)), make("p", described.description || ""), ...rows("Fields", properties));
};

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then((api) => {
    document.getElementById("about").textContent = `${api.info.description} Version ${api.info.version}.`;
    const main = document.getElementById("operations");
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, described] of Object.entries(methods)) main.append(operation(method, path, described));
    }
    main.append(make("h2", "Schemas"));
    for (const [name, described] of Object.entries(api.components.schemas)) main.append(schema(name, described));
  })
  .catch((error) => { document.getElementById("about").textContent = `The description cannot be read: ${error}`; });
