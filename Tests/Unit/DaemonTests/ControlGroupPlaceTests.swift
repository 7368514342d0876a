import Testing

@testable import Daemon

@Suite struct ControlGroupPlaceTests {
    private static let user = "/user.slice/user-1000.slice/user@1000.service"

    @Test(
        "A place says which unit of the system it is in, and which application of its user",
        arguments: [
            ("/", nil, nil),
            ("/init.scope", "init.scope", nil),
            ("/system.slice/cron.service", "cron.service", nil),
            ("/system.slice/build.service/payload/7", "build.service", nil),
            ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", nil),
            ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", nil),
            ("\(user)/init.scope", "user@1000.service", nil),
            (
                "\(user)/app.slice/app-org.gnome.Terminal-4242.scope", "user@1000.service",
                "org.gnome.Terminal"
            ),
            (
                "\(user)/app.slice/app-gnome-code-4242.scope", "user@1000.service", "code"
            ),
            (
                "\(user)/app.slice/app-flatpak-org.mozilla.firefox-28870.scope/sub", "user@1000.service",
                "org.mozilla.firefox"
            ),
            (
                "\(user)/app.slice/app-gnome-google\\x2dchrome-1.scope", "user@1000.service",
                "google-chrome"
            ),
            ("\(user)/app.slice/app-KDE-org.kde.okular@12ab.service", "user@1000.service", "org.kde.okular"),
            ("\(user)/app.slice/app-org.kde.okular.service", "user@1000.service", "org.kde.okular"),
            ("\(user)/app.slice/snap.firefox.firefox-1b2c.scope", "user@1000.service", "firefox"),
            ("\(user)/app.slice/app-.scope", "user@1000.service", nil),
            ("\(user)/app.slice/app.scope", "user@1000.service", nil),
            ("\(user)/app.slice/app-a-b-c-d.scope", "user@1000.service", nil),
            ("\(user)/app.slice/run-u12.scope", "user@1000.service", nil),
            ("\(user)/app.slice/snap..x.scope", "user@1000.service", nil),
            ("/system.slice/odd\\x2dname\\xzz\\x2.service", "odd-name\\xzz\\x2.service", nil),
            // What a user names so is not a unit of the system's.
            ("\(user)/cron.service", "user@1000.service", nil),
        ] as [(String, String?, String?)])
    func places(path: String, unit: String?, application: String?) {
        let place = ControlGroupPlace(path: path)
        #expect(place.unit == unit)
        #expect(place.application == application)
    }
}
