using CrnMlNet.Evaluation.Tests;
using CrnMlNet.Torch.Backend;
using TorchSharp;

[assembly: AssemblyFixture(typeof(StartedTorch))]

namespace CrnMlNet.Evaluation.Tests;

/// <summary>Starts libtorch before any test, on one thread: the tests' tensors are tiny.</summary>
public sealed class StartedTorch
{
    public StartedTorch()
    {
        TorchBackend.Start();
        torch.set_num_threads(1);
    }
}
