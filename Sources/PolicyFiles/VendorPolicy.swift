import Policy

/// What policy.d/10-default.yaml says, for a daemon that runs where nothing was installed. A test compares the two.
package enum VendorPolicy {
    package static let name = "10-default.yaml"

    package static let text = """
        # What every client may do as long as no other file says otherwise: work in its own workspace, read the system's
        # programs and settings, and run programs in its cell. Nothing of anybody's files.
        #
        # To change it, put a file of the same name into /etc/cloister/policy.d: it takes the place of this one. To add to it,
        # put files with other names there. Deny beats ask beats allow, wherever they stand.
        clients:
          - name: default
            rules:
              - allow: TOOL
              - allow: FILE_READ
                paths: [/workspace/**, /tmp/**, /usr/**, /etc/**]
              - allow: FILE_WRITE
                paths: [/workspace/**, /tmp/**]
              - allow: CODE_EXECUTION
            secret: [stdin, input]
        """
}
