# ruff: noqa: RUF001 - look-alikes of digits are what this is about
"""A corpus of addresses for whoever fetches what others name: what must never be called, and what must stay callable.

`HOSTILE_URLS` are refused as they stand, without a lookup. `HOSTILE_ADDRESSES` are what an innocent name may resolve
to: none is ever connected to. `PUBLIC_URLS` and `PUBLIC_ADDRESSES` are the other side, the edges of each range too.
Sources: IANA's special-purpose registries, RFC 6890, the clouds' documentation, Orange Tsai "A New Era of SSRF" (2017).
"""

METADATA = {
    "AWS, Azure, GCP": "169.254.169.254",
    "ECS credentials": "169.254.170.2",
    "X-Ray in Lambda": "169.254.79.129",
    "AWS over IPv6": "fd00:ec2::254",
    "Alibaba": "100.100.100.200",
    "Oracle": "192.0.0.192",
    "Azure wire server": "168.63.129.16",
}

HOSTILE_ADDRESSES = [
    *METADATA.values(),
    "0.0.0.0", "0.0.0.1", "0.255.255.255",  # this network
    # private:
    "10.0.0.0", "10.1.2.3", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
    "100.64.0.0", "100.127.255.255",  # carriers' NAT
    "127.0.0.0", "127.0.0.1", "127.1.1.1", "127.255.255.255",  # loopback
    "169.254.0.0", "169.254.255.255",  # link-local
    "192.0.0.0", "192.0.0.8", "192.0.0.255", "192.88.99.1",  # protocols, 6to4 relays
    "192.0.2.1", "198.51.100.1", "203.0.113.255",  # documentation
    "198.18.0.0", "198.19.255.255",  # benchmarks
    "224.0.0.0", "224.0.0.251", "239.255.255.255",  # multicast
    "240.0.0.0", "254.1.2.3", "255.255.255.254", "255.255.255.255",  # reserved, broadcast
    "::", "::1",
    "::127.0.0.1", "::169.254.169.254", "::8.8.8.8",  # IPv4-compatible
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",  # IPv4-mapped
    "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::a00:1",  # NAT64
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1",  # 6to4
    "2001::1", "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1",  # benchmarks, ORCHID, protocols
    "2001:db8::1", "3fff::1", "100::1", "100:0:0:1::1", "5f00::1",  # documentation, discard, segment routing
    "fc00::1", "fd12:3456:789a::1", "fdff:ffff::1",  # unique local
    "fe80::1", "fe80::1%1", "febf::1", "fec0::1", "feff::1",  # link-local, site-local
    "ff00::1", "ff02::1", "ff0e::1", "ffff::1",  # multicast
    "1::1", "200::1", "1fff::1", "4000::1", "8000::1", "e000::1", "fbff::1", "fe00::1",  # given out to nobody
]  # fmt: skip

_LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "2130706433", "2130706433.", "0x7f000001", "0x7F000001", "0x7f.1",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.0.0.01", "017700000001", "00000177.0.0.1", "127.0.0.0x1",
    "127.000.000.001", "0", "0x0",
    "000", "0.0.0.0", "127.127.127.127", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[::1%25lo]", "[fe80::1%25eth0]", "4294967297", "18446744071562067969", "256.256.256.256",
]  # fmt: skip
_INSIDE = [
    *METADATA.values(),
    "[fd00:ec2::254]", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "10.0.0.1", "10.1", "167772161", "192.168.1.1", "172.16.0.1",
    "100.64.0.1",
    "[fc00::1]", "255.255.255.255", "224.0.0.1", "8.8.8.8", "1.1.1.1", "[2606:4700:4700::1111]",
]  # fmt: skip
_NAMES = [
    "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "x.localhost", "x.localhost.", "a.b.localhost",
    "ip6-localhost",
    "metadata", "metadata.google.internal", "METADATA.Google.Internal.", "instance-data.ec2.internal",
    "ip-10-0-0-1.ec2.internal",
    "kubernetes.default.svc.cluster.local", "printer.local", "nas.lan", "router.home", "nas.home.arpa", "wiki.corp",
    "wiki.intranet",
    "db.private", "x.test", "x.invalid", "x.onion", "x.alt", "intranet", "com", ".com", "a..example.com",
    "-a.example.com", ".",
]  # fmt: skip
_LOOK_ALIKES = [
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost", "ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ",
    "exa\u200bmple.com",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏", "example。com", "еxample.com", "xn--127-wga.0.0.1", "xn--zvh.xn--0.1", "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1", "loc%61lhost",
]  # fmt: skip
_PARSERS = [
    "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/", "https://user:password@example.com/",
    "https://@example.com/",
    "https://:@example.com/", "https://example.com%40127.0.0.1/", "https://127.0.0.1%40example.com@127.0.0.1/",
    "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\@example.com/",
    "https://127.0.0.1\\.example.com/", "https:\\\\127.0.0.1\\", "https:/\\127.0.0.1/", "https://example.com:443:80/",
    "https://127.0.0.1:443\\@@example.com:443/", "https://[example.com]/", "https://[::1].example.com/",
    "https://[::1]example.com/",
    "https://example.com[::1]/", "https://127.0.0.1;example.com/", "https://example.com;127.0.0.1/",
    "https://example.com,127.0.0.1/",
    "https://127.0.0.1 example.com/", "https://example.com\t.internal/", "https://example.com\r\nHost: 127.0.0.1/",
    "https://example.com/\r\nX-Injected: 1", "https://example.com/\n", "https://example.com/\x00",
    "https://127.0.0.1\x00.example.com/",
    "\x00https://example.com/", " https://example.com/", "https://example.com /", "https://exam\nple.com/",
    "https:127.0.0.1", "https:///127.0.0.1/", "https:////127.0.0.1/", "https://", "https:", "", "//127.0.0.1/",
    "//example.com/", "/etc/passwd",
    "https://example.com:80/", "https://example.com:8443/", "https://example.com:22/", "https://example.com:0/",
    "https://example.com:-443/", "https://example.com:65979/", "https://example.com:443x/", "https://example.com:４４３/",
    "https://example.com/" + "a" * 2_048,
]  # fmt: skip
_SCHEMES = [
    "http://example.com/", "HTTP://example.com/", "http://127.0.0.1/",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "file:///etc/passwd",
    "file:///proc/self/environ",
    "file://127.0.0.1/etc/passwd", "file://example.com/x", "gopher://127.0.0.1:6379/_SET%20a%20b",
    "gopher://example.com/", "ftp://example.com/x",
    "ftps://example.com/", "sftp://example.com/", "dict://127.0.0.1:11211/stats", "ldap://127.0.0.1/",
    "tftp://127.0.0.1/x", "jar:https://example.com/!/",
    "netdoc:///etc/passwd", "data:text/plain,hello", "javascript:alert(1)", "ws://example.com/", "wss://example.com/",
    "s3://bucket/key",
    "unix:///var/run/docker.sock", "http+unix://%2fvar%2frun%2fdocker.sock/", "blob:https://example.com/x",
    "about:blank", "view-source:https://example.com/",
    "url:https://example.com/", "httpss://example.com/", "https.://example.com/",
]  # fmt: skip

HOSTILE_URLS = [
    *(f"https://{host}/" for host in [*_LOOPBACK, *_INSIDE, *_NAMES, *_LOOK_ALIKES]),
    *_PARSERS,
    *_SCHEMES,
]

PUBLIC_URLS = [
    "https://example.com", "https://example.com/", "https://www.example.com/a.jpg",
    "https://EXAMPLE.com:443/a?b=c&d=%20#e", "https://cdn.example.co.uk/x/y/",
    "https://example.com./a.pdf", "https://xn--bcher-kva.example/", "https://xn--nxasmq6b.xn--j6w193g/",
    "https://1.example.com/", "https://1and1.com/",
    "https://127.0.0.1.nip.io/", "https://10-0-0-1.example.com/", "https://my_shop.example.com/",
    "https://a.b.c.d.e.f.example.museum/",
    "https://bucket.s3.eu-west-1.amazonaws.com/key?X-Amz-Signature=ab%2Fcd", "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://example.com/@127.0.0.1/", "https://example.com/?url=http://127.0.0.1/", "https://example.com?@127.0.0.1",
    "https://example.com/\\x",
    "https://example.com#@127.0.0.1", "https://example.com/a%0d%0ab", "https://testing.example.local.com/",
]  # fmt: skip

PUBLIC_ADDRESSES = [
    "1.0.0.0", "1.1.1.1", "8.8.8.8", "93.184.216.34", "52.95.110.1", "223.255.255.255",
    "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.1.255",
    "192.0.3.0",
    "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
    "198.51.101.0", "203.0.112.255", "203.0.114.0",
    "2000::1", "2001:200::", "2001:db7:ffff::1", "2001:db9::", "2001:4860:4860::8888", "2001:ffff::1", "2003::",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1", "2c0f:ffff::1", "3ffe::1", "3fff:1000::", "::ffff:8.8.8.8",
]  # fmt: skip
