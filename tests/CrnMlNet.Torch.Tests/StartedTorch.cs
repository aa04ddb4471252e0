using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Tests;
using TorchSharp;

[assembly: AssemblyFixture(typeof(StartedTorch))]

namespace CrnMlNet.Torch.Tests;

/// <summary>Starts libtorch before any test, on one thread: the tests' tensors are tiny, and threads that wait for each other cost most of the time.</summary>
public sealed class StartedTorch
{
    public StartedTorch()
    {
        TorchBackend.Start();
        torch.set_num_threads(1);
    }
}

/// <summary>Tests that count live tensors, change threads, or compare bits run alone, after all others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunAlone
{
    public const string Name = "Run alone";
}
