package spec

// Disrupt does to nodes and pods what happens to them in production. The scenario
// must allow it by `allow: [disruption]`, and the run by --allow-disruption;
// otherwise nothing of the scenario runs. What it did is undone when the scenario
// ends, however it ends: nodes are uncordoned, started, thawed and healed.
type Disrupt struct {
	// At is where the value of disrupt begins.
	At Pos `json:"-"`
	// What happens. cordon and uncordon: the node takes no new pods, or takes them
	// again. drain: cordon it and evict its pods, those of DaemonSets excepted,
	// within their PodDisruptionBudgets, and wait until they are gone. evict: evict
	// pods, and wait until they are gone. On clusters of realspec's own with real
	// nodes also: stop (take the node's power), start, freeze, thaw, cut (pull its
	// network plug), heal (undo cut and delay) and delay (every packet takes `delay`
	// longer, in each direction).
	Action string `json:"action" realspec:"required,enum=cordon|uncordon|drain|evict|stop|start|freeze|thaw|cut|heal|delay"`
	// The nodes; or pods, which stand for the nodes that they run on, and for
	// themselves with evict. Example: {kind: Node, name: worker-1}.
	On Selector `json:"on" realspec:"required"`
	// At most so many of them, in the order of their names. Default: all. Unit: nodes
	// or pods.
	Count int `json:"count,omitempty"`
	// With drain and evict: how long pods get to end, in whole seconds. Default:
	// their own. Example: 5s.
	GracePeriod *Duration `json:"gracePeriod,omitempty"`
	// With delay: how much longer a packet takes in each direction. Example: 20ms.
	Delay Duration `json:"delay,omitempty"`
	// With evict: what must become of it. allowed: every eviction is accepted, after
	// waiting for the budget where needed. refused: every one is refused by a
	// PodDisruptionBudget. Default: allowed.
	Expect string `json:"expect,omitempty" realspec:"enum=allowed|refused"`
}

// Dependency says that an object of an apply step waits for another one.
type Dependency struct {
	// At is where the dependency begins.
	At Pos `json:"-"`
	// The object that waits, as KIND/NAME. Example: Deployment/backend.
	Of string `json:"of" realspec:"required"`
	// The object that must be there first, as KIND/NAME; it is one of the step.
	// Example: Deployment/database.
	On string `json:"on" realspec:"required"`
	// What it must be: ready, create, condition=NAME, condition=NAME=STATUS or
	// jsonpath={.path}=VALUE. Default: ready.
	For string `json:"for,omitempty"`
	// How long that may take, from the moment it was applied. Default: 2m.
	Timeout Duration `json:"timeout,omitempty"`
}
