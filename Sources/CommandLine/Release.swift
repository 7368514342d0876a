/// All programs of Cloister are built and installed together, and have one version.
package enum Release {
    package static let version = "0.1.0"
}
