// All variants of a user, and the exposures to those that are looked at.
import { Experiment } from "halyard/browser";

const parameters = new URLSearchParams(location.search);
const service = parameters.get("service") ?? "http://127.0.0.1:3546";
const user = { user_id: parameters.get("user") ?? "u1", country: "United States" };

const experiment = Experiment.initialize(parameters.get("key") ?? "client-example", {
  serverUrl: service,
  flagsServerUrl: service,
  exposureTrackingProvider: { track: (exposure) => add("exposures", "li", JSON.stringify(exposure)) },
});

function add(id, tag, ...texts) {
  const element = document.createElement(tag);
  for (const text of texts) {
    const cell = tag === "tr" ? element.appendChild(document.createElement("td")) : element;
    cell.textContent = text;
  }
  document.getElementById(id).append(element);
}

await experiment.start(user);
for (const key of Object.keys(experiment.all()).sort()) {
  add("variants", "tr", key, experiment.variant(key).key ?? "none");
}
