// Goes on with the variants that the server has rendered the page with.
import { Experiment, Source } from "halyard/browser";

const { user, variants } = JSON.parse(document.getElementById("bootstrap").textContent);

const experiment = Experiment.initialize("client-example", {
  source: Source.InitialVariants,
  initialVariants: variants,
  exposureTrackingProvider: { track: (exposure) => console.info("$exposure", exposure) },
});
experiment.setUser(user);

document.getElementById("browser").textContent = experiment.variant("homepage-hero").key;
