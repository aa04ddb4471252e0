namespace CrnMlNet.Torch.Backend;

/// <summary>
/// libtorch or TorchSharp's native library could not be started. The message lists every place that was tried, each with
/// its reason, and what to add or set. <see cref="TorchBackend.Start"/> may be called again once that is done.
/// </summary>
public sealed class TorchBackendException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was tried, why it failed, and the fix.</param>
    /// <param name="innerException">The last failure, when it was an exception.</param>
    public TorchBackendException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
