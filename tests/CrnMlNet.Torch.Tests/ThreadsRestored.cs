using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests;

/// <summary>Gives this thread of libtorch's back as many threads as it had, for a test that sets others.</summary>
internal sealed class ThreadsRestored : IDisposable
{
    private readonly int _before = get_num_threads();

    public void Dispose() => set_num_threads(_before);
}
