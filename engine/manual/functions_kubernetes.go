package manual

func quantities() Group {
	return Group{"Quantities", "Amounts as Kubernetes writes them. They are not compared with < and >, but with functions.", []Function{
		fn("quantity", "A quantity from a text.", `quantity('1500m') == quantity('1.5')`, `true`),
		fn("isQuantity", "Whether a text is a quantity.", `isQuantity('8GB')`, `false`),
		fn("add", "A quantity and another one or a whole number, together.", `quantity('1Gi').add(quantity('512Mi'))`, `quantity('1536Mi')`),
		fn("sub", "A quantity without another one or a whole number.", `quantity('2').sub(quantity('500m'))`, `quantity('1500m')`),
		fn("compareTo", "-1, 0 or 1: less, equal or more. Of quantities and versions.", `quantity('1Gi').compareTo(quantity('1G'))`, `1`),
		fn("isGreaterThan", "Whether it is more. Of quantities and versions.", `quantity('8Gi').isGreaterThan(quantity('4Gi'))`, `true`),
		fn("isLessThan", "Whether it is less. Of quantities and versions.", `quantity('500m').isLessThan(quantity('1'))`, `true`),
		fn("asInteger", "The whole number; an error when it is none.", `quantity('4k').asInteger()`, `4000`),
		fn("asApproximateFloat", "The nearest decimal number.", `quantity('1500m').asApproximateFloat()`, `1.5`),
		fn("isInteger", "Whether it is a whole number.", `quantity('1500m').isInteger()`, `false`),
		fn("sign", "-1, 0 or 1.", `sign(quantity('-2'))`, `-1`),
	}}
}

func versions() Group {
	return Group{"Versions", "Semantic versions. With true as second argument, v1.30 is read as 1.30.0.", []Function{
		fn("semver", "A version from a text.", `semver('v1.31', true).isLessThan(semver('1.32.0'))`, `true`),
		fn("isSemver", "Whether a text is a version.", `isSemver('1.31')`, `false`),
		fn("major", "Its first number.", `semver('1.31.2').major()`, `1`),
		fn("minor", "Its second number.", `semver('1.31.2').minor()`, `31`),
		fn("patch", "Its third number.", `semver('1.31.2').patch()`, `2`),
	}}
}

func addresses() Group {
	return Group{"IP addresses", "", []Function{
		fn("ip", "An address from a text, or the one of a range.", `string(ip('10.0.0.1'))`, `'10.0.0.1'`),
		fn("isIP", "Whether a text is an address.", `isIP('10.0.0.256')`, `false`),
		fn("ip.isCanonical", "Whether an address is written in its shortest form.", `ip.isCanonical('2001:db8:0::1')`, `false`),
		fn("family", "4 or 6.", `ip('::1').family()`, `6`),
		fn("isLoopback", "Whether it is of this machine.", `ip('127.0.0.1').isLoopback()`, `true`),
		fn("isUnspecified", "Whether it is 0.0.0.0 or ::.", `ip('0.0.0.0').isUnspecified()`, `true`),
		fn("isGlobalUnicast", "Whether it is an ordinary address.", `ip('10.0.0.1').isGlobalUnicast()`, `true`),
		fn("isLinkLocalUnicast", "Whether it is of this link.", `ip('169.254.1.1').isLinkLocalUnicast()`, `true`),
		fn("isLinkLocalMulticast", "Whether it is for many on this link.", `ip('224.0.0.1').isLinkLocalMulticast()`, `true`),
		fn("cidr", "A range from a text.", `string(cidr('10.0.0.0/8'))`, `'10.0.0.0/8'`),
		fn("isCIDR", "Whether a text is a range.", `isCIDR('10.0.0.0/33')`, `false`),
		fn("containsIP", "Whether an address is in a range.", `cidr('10.0.0.0/8').containsIP('10.1.2.3')`, `true`),
		fn("containsCIDR", "Whether a range is in a range.", `cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')`, `true`),
		fn("prefixLength", "The number of bits that all addresses of a range share.", `cidr('10.0.0.0/8').prefixLength()`, `8`),
		fn("masked", "The range with the bits behind its prefix cleared.", `string(cidr('10.1.2.3/8').masked())`, `'10.0.0.0/8'`),
	}}
}

func urls() Group {
	return Group{"URLs", "", []Function{
		fn("url", "A URL from a text.", `url('http://web:80/a').getHost()`, `'web:80'`),
		fn("isURL", "Whether a text is a URL with a scheme and host, or an absolute path.", `isURL('web')`, `false`),
		fn("getScheme", "Its scheme.", `url('http://web:80/a').getScheme()`, `'http'`),
		fn("getHost", "Its host and port.", `url('http://web:80/a').getHost()`, `'web:80'`),
		fn("getHostname", "Its host.", `url('http://web:80/a').getHostname()`, `'web'`),
		fn("getPort", "Its port, as a text.", `url('http://web:80/a').getPort()`, `'80'`),
		fn("getEscapedPath", "Its path, as it is sent.", `url('http://web/a b').getEscapedPath()`, `'/a%20b'`),
		fn("getQuery", "Its query: a list of values for each name.", `url('http://web/?a=1&a=2').getQuery()`, `{'a': ['1', '2']}`),
	}}
}

func formats() Group {
	return Group{"Formats", "validate gives what is wrong with a text, or nothing.", []Function{
		fn("validate", "What is wrong with a text: a list, or nothing.", `format.dns1123Label().validate('Web_1').hasValue()`, `true`),
		fn("format.named", "A format by its name.", `format.named('dns1123Label').hasValue()`, `true`),
		fn("format.dns1123Label", "The name of a Namespace.", `format.dns1123Label().validate('web-1').hasValue()`, `false`),
		fn("format.dns1123LabelPrefix", "The beginning of one.", `format.dns1123LabelPrefix().validate('web-').hasValue()`, `false`),
		fn("format.dns1123Subdomain", "The name of most objects.", `format.dns1123Subdomain().validate('web.example.com').hasValue()`, `false`),
		fn("format.dns1123SubdomainPrefix", "The beginning of one.", `format.dns1123SubdomainPrefix().validate('web.example-').hasValue()`, `false`),
		fn("format.dns1035Label", "The name of a Service.", `format.dns1035Label().validate('1web').hasValue()`, `true`),
		fn("format.dns1035LabelPrefix", "The beginning of one.", `format.dns1035LabelPrefix().validate('web-').hasValue()`, `false`),
		fn("format.qualifiedName", "The key of a label.", `format.qualifiedName().validate('app.kubernetes.io/name').hasValue()`, `false`),
		fn("format.labelValue", "The value of a label.", `format.labelValue().validate('in production').hasValue()`, `true`),
		fn("format.uri", "An absolute URI.", `format.uri().validate('http://web/').hasValue()`, `false`),
		fn("format.uuid", "A UUID.", `format.uuid().validate('not-one').hasValue()`, `true`),
		fn("format.byte", "Base64.", `format.byte().validate('d2Vi').hasValue()`, `false`),
		fn("format.date", "A date, as in 2026-01-31.", `format.date().validate('2026-13-31').hasValue()`, `true`),
		fn("format.datetime", "A point in time, as in 2026-01-31T12:00:00Z.", `format.datetime().validate('2026-01-31T12:00:00Z').hasValue()`, `false`),
	}}
}
