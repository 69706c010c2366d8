package expr

import "strings"

// typeWord is the name of a CEL type as a person would say it.
func typeWord(name string) string {
	base, inner, _ := strings.Cut(name, "(")
	switch base {
	case "int", "uint":
		return "an int"
	case "double":
		return "a double"
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "bytes":
		return "bytes"
	case "duration", "google.protobuf.Duration":
		return "a duration"
	case "timestamp", "google.protobuf.Timestamp":
		return "a timestamp"
	case "null", "null_type", "google.protobuf.NullValue":
		return "null"
	case "dyn", "any", "google.protobuf.Any":
		return "a value of any type"
	case "list":
		return "a list"
	case "map":
		return "a map"
	case "wrapper":
		return typeWord(strings.TrimSuffix(inner, ")"))
	case "optional_type", "optional":
		return "an optional value"
	case "type":
		return "a type"
	case "kubernetes.Quantity":
		return "a quantity"
	case "kubernetes.URL":
		return "a URL"
	case "kubernetes.Semver":
		return "a semantic version"
	case "kubernetes.NamedFormat":
		return "a format"
	case "net.IP":
		return "an IP address"
	case "net.CIDR":
		return "an IP range"
	}
	return recordWord(base)
}

func recordWord(name string) string {
	switch name {
	case typeSeries:
		return "a series of durations"
	case typePhases, typeGrouped:
		return "a measure of pods"
	case typeDelivery:
		return "a load"
	case typeServer:
		return "a measure of the API server"
	case typeValues:
		return "a series of numbers"
	case typeRequests:
		return "a measure of requests"
	case typeNetwork:
		return "a measure of the network"
	case typeUsage:
		return "a measure of usage"
	case typeShare:
		return "what is used of one resource"
	case typeTraffic:
		return "the traffic"
	case typeExec:
		return "a measure of a command"
	case typeResponse:
		return "the answer of a request"
	case typeResult:
		return "the result of a command"
	case typeLogs:
		return "what containers wrote"
	case typeOutputs:
		return "all outputs of the steps before"
	case typeNode:
		return "a node"
	case typeTaint:
		return "a taint"
	case typeCluster:
		return "the cluster"
	case typeVars:
		return "all variables of the scenario"
	case typeEnv:
		return "all environment variables"
	case typeRun:
		return "the run"
	}
	return "a value of another type"
}

// words joins words with commas and a last "and".
func words(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
