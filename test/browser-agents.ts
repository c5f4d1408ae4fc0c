// User agents in wide use, and some that are rare.

const MOZILLA = "Mozilla/5.0 ";

export const AGENTS: readonly string[] = [
  "",
  "Node.js/22",
  ...[
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36",
    "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36",
    "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 " +
      "Safari/537.36",
    "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "HeadlessChrome/120.0.0.0 Safari/537.36",
    "(X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36",
    "(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 " +
      "Mobile Safari/537.36",
    "(Linux; Android 13; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.6099.43 Mobile Safari/537.36",
    "(Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.6099.43 Mobile Safari/537.36",
    "(Linux; Android 12; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36",
    "(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 " +
      "Safari/537.36",
    "(Linux; Android 9; Pixel 3 Build/PQ1A; wv) AppleWebKit/537.36 (KHTML, like " +
      "Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36",
    "(Linux; Android 13; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
    "(iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
      "Version/16.6 Mobile/15E148 Safari/604.1",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) FxiOS/120.0 Mobile/15E148 Safari/605.1.15",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) EdgiOS/120.0.2210.89 Version/17.0 Mobile/15E148 Safari/604.1",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) Mobile/15E148",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) GSA/293.0 Mobile/15E148 Safari/604.1",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/443.0.0.23.229;FBBV/1]",
    "(iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like " +
      "Gecko) Mobile/15E148 Instagram 312.0.1.19.124 (iPhone13,2; iOS 17_1)",
    "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
      "Version/17.1 Safari/605.1.15",
    "(Macintosh; Intel Mac OS X 10.15; rv:121.0) Gecko/20100101 Firefox/121.0",
    "(Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "(X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "(X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "(X11; Fedora; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "(Android 13; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
    "(Android 13; Tablet; rv:121.0) Gecko/121.0 Firefox/121.0",
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    "(Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.6099.144 Mobile Safari/537.36 EdgA/120.0.2210.84",
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36 OPR/106.0.0.0",
    "(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 " +
      "Mobile Safari/537.36 OPR/79.0.0.0",
    "(Linux; U; Android 10; SM-A205U) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Version/4.0 Chrome/90.0.0.0 Mobile Safari/537.36 OPR/60.0.2254.0",
    "(Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "(compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.0.0 Safari/537.36 Vivaldi/6.5",
    "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/118.0.0.0 YaBrowser/23.11.0 Safari/537.36",
    "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
      "Version/17.1 Safari/605.1.15 DuckDuckGo/7",
    "(Linux; Android 9; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.1.1 " +
      "like Chrome/120.0.0.0 Safari/537.36",
    "(Linux; U; Android 12; en-us; Redmi Note 9) AppleWebKit/537.36 (KHTML, like " +
      "Gecko) Version/4.0 Chrome/100.0.0.0 Mobile Safari/537.36 " +
      "XiaoMi/MiuiBrowser/14.5.0",
    "(Linux; U; Android 12; en-US; RMX2185) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
    "(Linux; Android 12; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/99.0.4844.88 HuaweiBrowser/14.0.0.300 Mobile Safari/537.36",
    "(SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "SamsungBrowser/3.0 TV Safari/538.1",
    "(Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/79.0.3945.79 Safari/537.36 WebAppManager",
    "(PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
      "Version/15.4 Safari/605.1.15",
    "(Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like " +
      "Gecko) Chrome/120.0.0.0 Safari/537.36 Edge/44.18363.8131",
    "(Nintendo Switch; WifiWebAuthApplet) AppleWebKit/606.4 (KHTML, like Gecko) " +
      "NF/6.0.1.15.4 NintendoBrowser/5.1.0.20393",
    "(Linux; Android 13; Pixel 7 Build/TQ3A; wv) AppleWebKit/537.36 (KHTML, like " +
      "Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36 " +
      "[FB_IAB/FB4A;FBAV/442.0.0.44.114;]",
    "(Linux; Android 13; Pixel 7 Build/TQ3A; wv) AppleWebKit/537.36 (KHTML, like " +
      "Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36 Instagram " +
      "312.1.0.34.111 Android (33/13)",
    "(Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 " +
      "(KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063",
    "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "MyApp/1.0 Chrome/118.0.0.0 Electron/27.0.0 Safari/537.36",
    "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "(Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "Chrome/120.0.6099.71 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    "(X11; FreeBSD amd64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 " +
      "Safari/537.36",
    "(iPod touch; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, " +
      "like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
    "(Linux; Android 11; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) " +
      "OculusBrowser/30.0 Chrome/118.0.0.0 VR Safari/537.36",
    "(Linux; U; Android 4.0.3; en-us; GT-I9100) AppleWebKit/534.30 (KHTML, like " +
      "Gecko) Version/4.0 Mobile Safari/534.30",
  ].map((agent) => MOZILLA + agent),
];
