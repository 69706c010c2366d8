package schema

// condition is a rule between two fields of a mapping: field stands only where
// another one has one of the values.
type condition struct {
	field, beside string
	values        []string
}

// conditions are the rules between fields that an editor can show while they are
// written, by the name of the type; the loader knows more of them.
var conditions = map[string][]condition{
	"Apply":   {{"message", "expect", []string{"refused"}}, {"reason", "expect", []string{"refused"}}},
	"Disrupt": {{"delay", "action", []string{"delay"}}, {"gracePeriod", "action", []string{"drain", "evict"}}, {"expect", "action", []string{"evict"}}},
	"NetworkMeasure": {
		{"streams", "transaction", []string{"throughput"}},
	},
	"UsageMeasure": {{"namespace", "of", []string{"pods"}}},
}

// apart are the fields of which only one is written.
var apart = map[string][]string{
	"HTTP": {"body", "json"}, "HTTPMeasure": {"body", "json"},
	"Selector": {"name", "selector"},
}

// conditions states the rules between the fields of a type.
func (n *node) conditions(name string) {
	for _, c := range conditions[name] {
		n.depends(c.field, &node{
			Required: []string{c.beside}, Properties: properties{{c.beside, &node{Enum: c.values}}},
		})
	}
	if fields := apart[name]; fields != nil {
		n.depends(fields[1], &node{Not: &node{Required: fields[:1]}})
	}
	if name == "Disrupt" {
		n.If = &node{Required: []string{"action"}, Properties: properties{{"action", &node{Const: "delay"}}}}
		n.Then = &node{Required: []string{"delay"}}
	}
}

func (n *node) depends(field string, rule *node) {
	if n.Dependencies == nil {
		n.Dependencies = map[string]any{}
	}
	n.Dependencies[field] = rule
}
